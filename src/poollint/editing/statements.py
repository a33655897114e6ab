"""Edits of whole statements: dropped, or put in another form with the same body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing import indenting

if TYPE_CHECKING:
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit


def dropped(tree: FileTree, small: cst.BaseSmallStatement) -> Edit | None:
    """Without a statement and its line; None where others share the line or a comment stands on it.

    The only statement of a block becomes `pass`.
    """
    line = tree.parents.get(small)
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return None
    place = tree.location(line)
    whole = tree.source.line_text(place.end_line)
    if whole[place.end_column - 1 :].strip() or not tree.indentation(line):
        return None
    if len(tree.siblings(line)) == 1:
        return tree.replace(small, "pass")
    if place.end_line == len(tree.source.lines):
        above = tree.source.line_text(place.line - 1)
        return tree.between((place.line - 1, len(above) + 1), (place.end_line, len(whole) + 1), "")
    return tree.between((place.line, 1), (place.end_line + 1, 1), "")


def with_as_assignment(tree: FileTree, item: cst.WithItem) -> Edit | None:
    """`name = value` in the place of `with value as name:`, and the body one step further out.

    None for an async `with`, one of several items, and one whose lines a comment or a form of its own holds together.
    """
    statement = tree.parents[item]
    if not isinstance(statement, cst.With) or len(statement.items) != 1 or statement.asynchronous is not None:
        return None
    body = statement.body
    name = item.asname.name if item.asname is not None else None
    if not isinstance(body, cst.IndentedBlock) or not isinstance(name, cst.Name) or not tree.indentation(statement):
        return None
    place, value = tree.location(statement), tree.location(item.item)
    header_end = tree.header_end(statement)
    header = tree.source.line_text(header_end)
    if header_end != place.line or value.end_line != place.line:
        return None
    last = indenting.last_line(tree, statement)
    inner, outer = tree.indentation(body.body[0]), tree.indentation(statement)
    lines = indenting.dedented(tree, header_end + 1, last, inner[len(outer) :], inner)
    if lines is None:
        return None
    comment = header[header.index("#") :] if "#" in header[value.end_column :] else ""
    head = f"{name.value} = {tree.text(item.item)}{f'  {comment}' if comment else ''}{tree.newline}"
    text = "".join((head, *lines)).rstrip("\r\n")
    return tree.between((place.line, place.column), (last, len(tree.source.line_text(last)) + 1), text)
