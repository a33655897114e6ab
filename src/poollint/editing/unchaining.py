"""The editor that gives a name to a connection without one, in a `with` block around its statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing import indenting
from poollint.editing.belonging import Belonging, Needs
from poollint.editing.proposal import Proposal, Refusal
from poollint.editing.variables import Variables, names_in
from poollint.findings import Applicability

if TYPE_CHECKING:
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit, Location

_NAMES = ("connection", "conn", "opened_connection")
_PARTLY_RUN = (cst.BooleanOperation, cst.IfExp, cst.Lambda, cst.BaseComp, cst.Await, cst.Assert, cst.Comparison)
_SMALL = (cst.Expr, cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Return)


def unchained(tree: FileTree, place: Location, title: str, commits: bool) -> Proposal | Refusal:
    """`with engine.connect() as connection:` around the statement; `engine.begin()`, unsafe, where it `commits`."""
    call = tree.at(place, cst.Call)
    statement = tree.statement(call) if call is not None else None
    function = tree.function(call) if call is not None else None
    if call is None or function is None or not isinstance(call.func, cst.Attribute):
        return Refusal("it is not made in a function")
    reason = _reason_against(tree, call, statement)
    if reason or statement is None:
        return Refusal(reason)
    used = {name.value for name in names_in(function)}
    name = next((each for each in _NAMES if each not in used), "")
    if not name:
        return Refusal("the names for a connection are taken")
    needs = _needs(tree, function, call, statement)
    if needs >= Needs.READING:
        return Refusal("a result that still reads from the connection leaves the statement")
    if commits and (call.args or call.func.attr.value != "connect"):
        return Refusal("begin() takes no arguments")
    value = f"{tree.text(call.func.value)}.begin()" if commits else tree.text(call)
    edit = _edit(tree, call, statement, f"with {value} as {name}:", name)
    safe = not commits and needs is Needs.NOTHING
    return Proposal(title, Applicability.SAFE if safe else Applicability.UNSAFE, (edit,))


def _reason_against(tree: FileTree, call: cst.Call, statement: cst.CSTNode | None) -> str:
    if isinstance(statement, cst.For):
        if not any(each is statement.iter for each in (call, *tree.around(call))):
            return "the statement does not run it once"
    elif not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return "it is not made by a statement of its own"
    elif not isinstance(statement.body[0], _SMALL):
        return "the statement does not run it once"
    if any(isinstance(each, _PARTLY_RUN) for each in _up_to(tree, call, statement)):
        return "the statement does not run it once"
    if not tree.indentation(statement) or not isinstance(tree.parents[statement], cst.IndentedBlock):
        return "several statements stand in one line"
    place = tree.location(call)
    return "the call spans lines" if place.line != place.end_line else ""


def _up_to(tree: FileTree, node: cst.CSTNode, end: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes around a node that lie inside of `end`."""
    found = []
    for each in tree.around(node):
        if each is end:
            break
        found.append(each)
    return found


def _needs(tree: FileTree, function: cst.FunctionDef, call: cst.Call, statement: cst.CSTNode) -> Needs:
    """What the value of the statement still needs of the connection."""
    belonging = Belonging(tree, Variables(tree, function), "", frozenset(), objects=False, made=call)
    belonging.follow(statement)
    if isinstance(statement, cst.For):
        return max((needs for _, needs in belonging.escapes), default=Needs.NOTHING)
    assert isinstance(statement, cst.SimpleStatementLine)
    small = statement.body[0]
    value = getattr(small, "value", None)
    found = belonging.of(value) if value is not None and not isinstance(small, cst.Expr) else Needs.NOTHING
    return max(found, *(needs for _, needs in belonging.escapes), Needs.NOTHING)


def _edit(tree: FileTree, call: cst.Call, statement: cst.CSTNode, header: str, name: str) -> Edit:
    place, inner = tree.location(statement), tree.location(call)
    last = indenting.last_line(tree, statement)
    step = indenting.step_of(tree, statement)
    lines = indenting.shifted(tree, place.line, last, step)
    number = inner.line - place.line
    moved = len(lines[number]) - len(tree.source.lines[inner.line - 1])
    line = lines[number]
    lines[number] = line[: inner.column - 1 + moved] + name + line[inner.end_column - 1 + moved :]
    text = f"{tree.indentation(statement)}{header}{tree.newline}{''.join(lines)}".rstrip("\r\n")
    return tree.between((place.line, 1), (last, len(tree.source.line_text(last)) + 1), text)
