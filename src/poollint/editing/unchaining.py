"""The editor that gives a name to a session or connection without one, in a `with` block around its statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
from msgspec.structs import replace

from poollint.editing import indenting
from poollint.editing.belonging import Belonging, Needs
from poollint.editing.block_headers import Begins, Unfit, block_header, changes_schema
from poollint.editing.proposal import Proposal, Refusal
from poollint.editing.variables import Variables, names_in
from poollint.findings import Applicability

if TYPE_CHECKING:
    from poollint.editing.block_headers import Wrap
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

_IN_FUNCTION = "it is not made in a function"
_NAMES = ("connection", "conn", "opened_connection")
_SESSION_NAMES = ("session", "db_session", "opened_session")
_PARTLY_RUN = (cst.BooleanOperation, cst.IfExp, cst.Lambda, cst.BaseComp, cst.Await, cst.Assert, cst.Comparison)
_SMALL = (cst.Expr, cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Return)


def unchained(tree: FileTree, wrap: Wrap) -> Proposal | Refusal:
    """`with engine.connect() as connection:` around the statement; unsafe where it begins a transaction, too."""
    call = tree.at(wrap.call, cst.Call)
    statement = tree.statement(call) if call is not None else None
    function = tree.function(call) if call is not None else None
    if call is None or function is None or wrap.asynchronous:
        return Refusal("an async connection has to be awaited in steps" if wrap.asynchronous else _IN_FUNCTION)
    if wrap.connection and any(changes_schema(each, lambda value: value is call) for each in tree.around(call)):
        wrap = replace(wrap, begins=Begins.CONNECT)
    reason = _reason_against(tree, call, statement)
    if reason or statement is None:
        return Refusal(reason)
    used = {name.value for name in names_in(function)}
    name = next((each for each in (_NAMES if wrap.connection else _SESSION_NAMES) if each not in used), "")
    if not name:
        return Refusal(f"the names for a {'connection' if wrap.connection else 'session'} are taken")
    needs = _needs(tree, function, wrap, call, statement)
    if needs >= Needs.READING:
        thing = "connection" if wrap.connection else "session"
        return Refusal(f"a result that still reads from the {thing} leaves the statement")
    if needs and wrap.begins is not Begins.NOT and not wrap.connection:
        return Refusal("what it writes is never committed, and a commit expires the objects that leave the statement")
    try:
        header, imports = block_header(tree, wrap, call, call, name)
    except Unfit as unfit:
        return Refusal(str(unfit))
    edit = _edit(tree, call, statement, header, name)
    safe = wrap.begins is Begins.NOT and needs is Needs.NOTHING
    return Proposal(wrap.title, Applicability.SAFE if safe else Applicability.UNSAFE, (edit, *imports))


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


def _needs(tree: FileTree, function: cst.FunctionDef, wrap: Wrap, call: cst.Call, statement: cst.CSTNode) -> Needs:
    """What the value of the statement still needs of the session or connection."""
    variables = Variables(tree, function)
    belonging = Belonging(tree, variables, "", wrap.plain, objects=not wrap.connection, made=call)
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
