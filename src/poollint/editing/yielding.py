"""The editor that makes a generator, which closes what it yields, of a function that returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing import indenting
from poollint.editing.hands_off import holds_formatting
from poollint.editing.proposal import Proposal, Refusal
from poollint.editing.variables import names_in
from poollint.findings import Applicability

if TYPE_CHECKING:
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit, Location

_NAMES = ("session", "db", "opened_session")


def yielded(tree: FileTree, place: Location, title: str, asynchronous: bool) -> Proposal | Refusal:
    """`with made() as name: yield name` in the place of `return made()`, or of `name = made()` up to `return name`.

    Safe when the caller treats generators as it should: nobody else may call the function.
    """
    call = tree.at(place, cst.Call)
    function = tree.function(call) if call is not None else None
    if call is None or function is None or not isinstance(function.body, cst.IndentedBlock):
        return Refusal("no function returns it")
    if asynchronous and function.asynchronous is None:
        return Refusal("async with is only possible in an async def")
    statements = function.body.body
    last, first = statements[-1], tree.statement(call)
    returned = _only_return(function, last)
    if returned is None or first is None or first not in statements:
        return Refusal("the function returns in more than one place, or under a condition")
    name = _name(function, first, returned, call)
    if not name:
        return Refusal("the session is not returned as it was made")
    imports, annotation = _annotated(tree, function)
    if annotation is None:
        return Refusal("Iterator is the name of something else here")
    start, end = tree.location(first).line, tree.location(last).end_line
    if holds_formatting(tree.source, start, end) or not tree.indentation(first) or not tree.indentation(last):
        return Refusal("the lines cannot be moved")
    header = f"{'async ' if asynchronous else ''}with {tree.text(call)} as {name}:"
    edit = _edit(tree, first, last, returned, header, name)
    return Proposal(title, Applicability.SAFE, (edit, *annotation, *imports))


def _only_return(function: cst.FunctionDef, last: cst.CSTNode) -> cst.Return | None:
    found = []
    pending: list[cst.CSTNode] = list(function.body.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (cst.Return, cst.Yield)):
            found.append(node)
        if not isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
            pending.extend(node.children)
    small = last.body if isinstance(last, cst.SimpleStatementLine) else ()
    if len(found) != 1 or len(small) != 1 or small[0] is not found[0]:
        return None
    return found[0] if isinstance(found[0], cst.Return) else None


def _name(function: cst.FunctionDef, first: cst.CSTNode, returned: cst.Return, call: cst.Call) -> str:
    """The variable that holds the session, or a new one where none does; "" where the code has another form."""
    if returned.value is call and not call.lpar:
        used = {name.value for name in names_in(function)}
        return next((each for each in _NAMES if each not in used), "")
    if not isinstance(first, cst.SimpleStatementLine) or len(first.body) != 1:
        return ""
    made = first.body[0]
    target: cst.CSTNode | None = None
    if isinstance(made, cst.Assign) and len(made.targets) == 1 and made.value is call and not call.lpar:
        target = made.targets[0].target
    elif isinstance(made, cst.AnnAssign) and made.value is call and not call.lpar:
        target = made.target
    value = returned.value
    is_same = isinstance(target, cst.Name) and isinstance(value, cst.Name) and target.value == value.value
    return target.value if is_same and isinstance(target, cst.Name) else ""


def _annotated(tree: FileTree, function: cst.FunctionDef) -> tuple[tuple[Edit, ...], tuple[Edit, ...] | None]:
    """The import and the edit that turn `-> Session` into `-> Iterator[Session]`; None where the name is taken."""
    if function.returns is None:
        return (), ()
    annotation = function.returns.annotation
    wanted = "AsyncIterator" if function.asynchronous is not None else "Iterator"
    imported = tree.imports.name_for(("collections.abc", "typing"), wanted, function)
    if imported is None:
        return (), None
    if isinstance(annotation, cst.SimpleString):
        return (), None
    return imported.edits, (tree.replace(annotation, f"{imported.name}[{tree.text(annotation)}]"),)


def _edit(tree: FileTree, first: cst.CSTNode, last: cst.CSTNode, returned: cst.Return, header: str, name: str) -> Edit:
    place, end = tree.location(first), tree.location(last)
    step, indent = indenting.step_of(tree, first), tree.indentation(first)
    behind = tree.source.line_text(end.end_line)[tree.location(returned).end_column - 1 :]
    lines = [f"{header}{tree.newline}"]
    if first is not last:
        comment = tree.source.lines[place.end_line - 1][place.end_column - 1 :]
        lines = [f"{header}{comment}", *indenting.shifted(tree, place.end_line + 1, end.line - 1, step)]
    lines.append(f"{indent}{step}yield {name}{behind}")
    return tree.between((place.line, place.column), (end.end_line, end.end_column + len(behind)), "".join(lines))
