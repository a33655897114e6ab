"""What a fix is made with: the concrete tree of a file, edits from its nodes, and the editor of imports.

Rules propose fixes with it; `poollint.fixing` applies them. Only `proposal` may be imported without paying for libcst.
"""
