"""Statements that move to the top level of their file: their text, what they need there, and where they go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct

from poollint.editing.proposal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.editing.module_names import ModuleNames
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

_ENVIRONMENT = re.compile(r"\b(?:environ|getenv)\b")
_DUNDER = re.compile(r"__\w+__")


class Bound(Struct, frozen=True):
    """A statement `name = value` of a function, alone on its lines."""

    statement: cst.SimpleStatementLine
    name: str
    value: cst.BaseExpression


def bound_by(tree: FileTree, value: cst.CSTNode) -> Bound | None:
    """The assignment of `value` to one plain name; None where it goes elsewhere, or shares its line."""
    line = tree.statement(value)
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or not tree.indentation(line):
        return None
    part = line.body[0]
    if isinstance(part, cst.Assign) and len(part.targets) == 1:
        target: cst.CSTNode = part.targets[0].target
    elif isinstance(part, cst.AnnAssign):
        target = part.target
    else:
        return None
    if part.value is not value or not isinstance(target, cst.Name):
        return None
    return Bound(line, target.value, part.value)


def top_level(tree: FileTree, node: cst.CSTNode) -> int:
    """The position of the top-level statement around a node in the body of the module."""
    outer = [node, *tree.around(node)]
    return next(index for index, each in enumerate(tree.module.body) if each is outer[-2])


# ------------------------------------------------------------------------------------------------------- its text
def own_lines(tree: FileTree, statement: cst.SimpleStatementLine) -> tuple[int, int]:
    """The first and last line of a statement with the comments that stand right above it."""
    place = tree.location(statement)
    first = place.line
    for above in reversed(statement.leading_lines):
        if above.comment is None:
            break
        first -= 1
    return first, place.end_line


class Named(Struct, frozen=True):
    """A call that a name takes the place of."""

    call: cst.CSTNode
    name: str


def moved_text(tree: FileTree, statement: cst.SimpleStatementLine, inside: Named | None = None) -> str | Refusal:
    """The lines of a statement at the top level, with its comments, without the last line ending."""
    first, last = own_lines(tree, statement)
    text = _text(tree, (first, 1), (last, len(tree.source.line_text(last)) + 1), inside)
    return _dedented(tree, statement, text)


def moved_value(tree: FileTree, node: cst.CSTNode, name: str, inside: Named | None = None) -> str | Refusal:
    """A statement for the top level that gives a name to an expression."""
    place = tree.location(node)
    text = _text(tree, (place.line, place.column), (place.end_line, place.end_column), inside)
    return _dedented(tree, node, f"{name} = {text}")


def _text(tree: FileTree, start: tuple[int, int], end: tuple[int, int], inside: Named | None) -> str:
    if inside is None:
        return tree.source.text_of(tree.between(start, end, "").location)
    place = tree.location(inside.call)
    before = tree.between(start, (place.line, place.column), "")
    after = tree.between((place.end_line, place.end_column), end, "")
    return tree.source.text_of(before.location) + inside.name + tree.source.text_of(after.location)


def _dedented(tree: FileTree, node: cst.CSTNode, text: str) -> str | Refusal:
    if spans_lines_with_string(node, tree):
        return Refusal("a string spans several lines")
    line = tree.source.line_text(tree.location(node).line)
    indentation = line[: len(line) - len(line.lstrip())]
    return "".join(line.removeprefix(indentation) for line in text.splitlines(keepends=True))


def spans_lines_with_string(node: cst.CSTNode, tree: FileTree) -> bool:
    """A string would change with the indentation of its lines."""
    place = tree.location(node)
    strings = (cst.SimpleString, cst.FormattedString)
    return place.line != place.end_line and any(
        tree.location(each).line != tree.location(each).end_line for each in _within(node) if isinstance(each, strings)
    )


def names_in(node: cst.CSTNode) -> set[str]:
    """The names that an expression reads; attributes and keywords are none."""
    if isinstance(node, cst.Name):
        return {node.value}
    if isinstance(node, cst.Attribute):
        return names_in(node.value)
    children = [child for child in node.children if not (isinstance(node, cst.Arg) and child is node.keyword)]
    return set().union(*(names_in(child) for child in children))


def _within(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _within(child)


# ---------------------------------------------------------------------------------------------------- where it goes
def anchor_for(tree: FileTree, names: ModuleNames, node: cst.CSTNode, needed: Iterable[str]) -> int | Refusal:
    """The position of the top-level statement below which code of the function around `node` can go.

    It stands below the imports and whatever binds the names that are `needed`, and above the function.
    """
    limit = top_level(tree, node)
    anchor = _last_import(tree, limit)
    for name in needed:
        bound = names.bindings.get(name)
        if not bound:
            continue
        index = names.index_of(bound[-1])
        if not 0 <= index < limit:
            return Refusal(f"{name} is set below the function")
        anchor = max(anchor, index)
    if _ENVIRONMENT.search(tree.text(tree.statement(node) or node)):
        # The environment may be filled by a call: load_dotenv().
        anchor = max([anchor, *(index for index in range(limit) if _is_call(tree.module.body[index]))])
    if anchor < 0:
        return Refusal("the file has no imports to put it below")
    return _end_of_run(tree, anchor, limit)


def below(tree: FileTree, anchor: int, text: str) -> Edit:
    """Insert top-level lines below a top-level statement, with the empty lines that the file's style asks for."""
    statement, follower = tree.module.body[anchor], tree.module.body[anchor + 1]
    newline = tree.newline
    gap = "" if _is_assignment(statement) else newline
    line = tree.location(statement).end_line
    has_space = not tree.source.line_text(line + 1).strip()
    is_definition = isinstance(follower, (cst.FunctionDef, cst.ClassDef))
    after = "" if has_space else newline * 2 if is_definition else "" if _is_assignment(statement) else newline
    return tree.insert(line, len(tree.source.line_text(line)) + 1, newline + gap + text + after)


def without(tree: FileTree, statement: cst.SimpleStatementLine) -> Edit | Refusal:
    """Delete a statement with its comments, and the empty lines that would be too many."""
    siblings = tree.siblings(statement)
    index = siblings.index(statement)
    if len(siblings) == 1:
        return Refusal("its block would be empty")
    first, last = own_lines(tree, statement)
    if last >= len(tree.source.lines):
        ends = (len(tree.source.line_text(line)) + 1 for line in (first - 1, last))
        return tree.between((first - 1, next(ends)), (last, next(ends)), "")
    follower = siblings[index + 1] if index + 1 < len(siblings) else None
    is_spaced = not tree.source.line_text(first - 1).strip() or all(map(_is_docstring, siblings[:index]))
    while follower is None and not tree.source.line_text(first - 1).strip():
        first -= 1
    while follower is not None and is_spaced and not tree.source.line_text(last + 1).strip():
        last += 1
    return tree.between((first, 1), (last + 1, 1), "")


def _last_import(tree: FileTree, limit: int) -> int:
    """The last import at the top of the file, before the statement at `limit`; -1 without one."""
    found = -1
    for index, statement in enumerate(tree.module.body[:limit]):
        if _imports(statement):
            found = index
        elif not _is_preamble(tree, statement):
            break
    return found


def _imports(statement: cst.CSTNode) -> bool:
    """An import, or a block that does nothing but import."""
    if isinstance(statement, cst.SimpleStatementLine):
        return all(isinstance(part, (cst.Import, cst.ImportFrom)) for part in statement.body)
    if not isinstance(statement, (cst.If, cst.Try)):
        return False
    return all(_imports(each) for each in statement.body.body)


def _is_preamble(tree: FileTree, statement: cst.CSTNode) -> bool:
    """A docstring, or `__all__ = ...`."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    part = statement.body[0]
    if isinstance(part, cst.Expr):
        return _is_docstring(statement)
    return isinstance(part, cst.Assign) and _DUNDER.fullmatch(tree.text(part.targets[0].target)) is not None


def _is_docstring(statement: cst.CSTNode) -> bool:
    part = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    return isinstance(part, cst.Expr) and isinstance(part.value, (cst.SimpleString, cst.ConcatenatedString))


def _is_call(statement: cst.CSTNode) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    return any(isinstance(part, cst.Expr) and isinstance(part.value, cst.Call) for part in statement.body)


def _is_assignment(statement: cst.CSTNode) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    return all(isinstance(part, (cst.Assign, cst.AnnAssign)) for part in statement.body)


def _end_of_run(tree: FileTree, anchor: int, limit: int) -> int:
    """The last of the assignments that stand together with one, without empty lines in between."""
    body = tree.module.body
    while _is_assignment(body[anchor]) and anchor + 1 < limit:
        follower = body[anchor + 1]
        if not _is_assignment(follower) or tree.location(follower).line != tree.location(body[anchor]).end_line + 1:
            break
        anchor += 1
    return anchor


def outermost_function(tree: FileTree, node: cst.CSTNode) -> cst.FunctionDef | None:
    """The function around a node that no other function is around."""
    functions = [outer for outer in tree.around(node) if isinstance(outer, cst.FunctionDef)]
    return functions[-1] if functions else None
