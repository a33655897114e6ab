"""The editor that moves a `close()` into `finally`, with all that runs before it in `try`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing import indenting
from poollint.editing.hands_off import holds_formatting
from poollint.editing.proposal import Proposal, Refusal
from poollint.findings import Applicability

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit, Location

_CLOSES = frozenset({"close", "aclose", "remove"})


def closed_in_finally(tree: FileTree, place: Location, name: str, title: str) -> Proposal | Refusal:
    """`name.close()` moves into `finally`. `place`: the call that gives the object, or one that skips the `close()`.

    Safe: on the way that does not raise it runs where it did. Unsafe where a `return` with a value comes to close, too.
    """
    call = tree.at(place, cst.Call)
    inside: cst.CSTNode | None = tree.statement(call) if call is not None else None
    while inside is not None and not isinstance(inside, cst.FunctionDef):
        siblings = tree.siblings(inside)
        index = siblings.index(inside)
        close = next((number for number in range(index + 1, len(siblings)) if _closes(siblings[number], name)), None)
        if close is not None:
            return _moved(tree, siblings, index, close, name, title)
        inside = next((each for each in tree.around(inside) if isinstance(each, cst.BaseCompoundStatement)), None)
    return Refusal(f"no statement {name}.close() follows in the same block")


def _moved(
    tree: FileTree, siblings: Sequence[cst.CSTNode], index: int, close: int, name: str, title: str
) -> Proposal | Refusal:
    binding = max((number for number in range(close) if _binds(siblings[number], name)), default=-1)
    if binding > index or (binding == index and not isinstance(siblings[index], cst.SimpleStatementLine)):
        return Refusal(f"{name} is bound in another block")
    first = next((number for number in range(binding + 1, close) if name in tree.text(siblings[number])), close)
    if first >= close:
        return Refusal(f"nothing uses {name} before it is closed")
    tried = siblings[first:close]
    start, end = tree.location(tried[0]).line, tree.location(siblings[close]).end_line
    if not all(tree.indentation(each) for each in siblings[first : close + 1]) or holds_formatting(
        tree.source, start, end
    ):
        return Refusal("the lines cannot be moved")
    safe = not any(_returns_a_value(each) for each in tried)
    applicability = Applicability.SAFE if safe else Applicability.UNSAFE
    return Proposal(title, applicability, (_edit(tree, tried, siblings[close]),))


def _edit(tree: FileTree, tried: Sequence[cst.CSTNode], close: cst.CSTNode) -> Edit:
    indent, step = tree.indentation(tried[0]), indenting.step_of(tree, tried[0])
    start, middle = tree.location(tried[0]).line, indenting.last_line(tree, tried[-1])
    end = tree.location(close).end_line
    body = indenting.shifted(tree, start, middle, step)
    last = [line for line in indenting.shifted(tree, middle + 1, end, step) if line.strip()]
    lines = (f"{indent}try:{tree.newline}", *body, f"{indent}finally:{tree.newline}", *last)
    column = len(tree.source.line_text(end)) + 1
    return tree.between((start, 1), (end, column), "".join(lines).rstrip("\r\n"))


def _closes(statement: cst.CSTNode, name: str) -> bool:
    """The statement is `name.close()`, perhaps awaited."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    small = statement.body[0]
    value = small.value if isinstance(small, cst.Expr) else None
    call = value.expression if isinstance(value, cst.Await) else value
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return False
    return call.func.attr.value in _CLOSES and _dotted(call.func.value) == name


def _binds(statement: cst.CSTNode, name: str) -> bool:
    targets = (target for each in _below(statement) for target in _targets(each))
    return any(_dotted(target) == name for target in targets)


def _targets(node: cst.CSTNode) -> list[cst.CSTNode]:
    if isinstance(node, cst.Assign):
        return [target.target for target in node.targets]
    if isinstance(node, (cst.AnnAssign, cst.AugAssign, cst.NamedExpr, cst.For)):
        return [node.target]
    return [node.name] if isinstance(node, cst.AsName) else []


def _dotted(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr.value}" if inner else ""
    return node.value if isinstance(node, cst.Name) else ""


def _returns_a_value(statement: cst.CSTNode) -> bool:
    """A `return` of more than a constant."""
    values = (each.value for each in _below(statement) if isinstance(each, cst.Return))
    constants = ("True", "False", "None")
    return any(value is not None and not (isinstance(value, cst.Name) and value.value in constants) for value in values)


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and what lies in it, without inner functions."""
    yield node
    if not isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
        for child in node.children:
            yield from _below(child)
