"""The fix of what a request writes in vain: a commit behind the last change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.lifetime.beginning import begin_instead

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.rules.mending import FixTarget

_CHANGES = frozenset(
    {"add", "add_all", "delete", "delete_all", "merge", "merge_all", "bulk_save_objects", "bulk_insert_mappings",
     "bulk_update_mappings", "execute", "flush"}
)  # fmt: skip

REQUEST = "request"
"""The kind of the facts about a change that a request makes on the session of a framework."""


def commit_or_begin(target: FixTarget) -> Proposal | Refusal:
    """A commit in a request; a block that commits where the function makes the session."""
    return commit_behind(target) if target.verdict.facts.kind == REQUEST else begin_instead(target)


def commit_behind(target: FixTarget) -> Proposal | Refusal:
    """`db.session.commit()` behind the last statement of the block that changes something on `db.session`."""
    import libcst as cst

    from poollint.editing.hands_off import holds_formatting
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    call = target.node(cst.Call)
    function = tree.function(call) if call is not None else None
    if call is None or function is None or not isinstance(call.func, cst.Attribute):
        return Refusal("the change is not written out in a function")
    session = tree.text(call.func.value)
    lines = [tree.statement(each) for each in _calls_on(function, session)]
    block = tree.parents.get(lines[0]) if lines and lines[0] is not None else None
    if not all(_is_alone(line) and tree.parents.get(line) is block for line in lines if line is not None):
        return Refusal("changes stand in several blocks, or in larger statements")
    if not isinstance(block, cst.IndentedBlock) or None in lines:
        return Refusal("the block is written in one line")
    if any(isinstance(each, (cst.For, cst.While, cst.With, cst.Try)) for each in _around(tree, block, function)):
        return Refusal("the change stands in a loop, or in a block that may take it back")
    last = lines[-1]
    assert last is not None
    place = tree.location(last)
    if holds_formatting(tree.source, place.line, place.end_line):
        return Refusal("a part of it is not to be formatted")
    text = f"{tree.newline}{tree.indentation(last)}{session}.commit()"
    edit = tree.insert(place.end_line, len(tree.source.line_text(place.end_line)) + 1, text)
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, (edit,))


def _calls_on(node: cst.CSTNode, session: str) -> list[cst.Call]:
    """The calls of methods that change something on the session, in order; not those of inner functions."""
    import libcst as cst

    found: list[cst.Call] = []
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and node.func.attr.value in _CHANGES:
        if _dotted(node.func.value) == session:
            found.append(node)
    for child in node.children:
        if not isinstance(child, (cst.FunctionDef, cst.Lambda, cst.ClassDef)):
            found += _calls_on(child, session)
    return found


def _is_alone(line: cst.CSTNode) -> bool:
    """The statement is nothing but a call, in a line of its own."""
    import libcst as cst

    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return False
    return isinstance(line.body[0], cst.Expr) and isinstance(line.body[0].value, cst.Call)


def _around(tree: FileTree, block: cst.CSTNode, function: cst.FunctionDef) -> list[cst.CSTNode]:
    """The statements of the function around a block."""
    found = []
    for each in tree.around(block):
        if each is function:
            break
        found.append(each)
    return found


def _dotted(node: cst.CSTNode) -> str:
    import libcst as cst

    if isinstance(node, cst.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr.value}" if inner else ""
    return node.value if isinstance(node, cst.Name) else ""
