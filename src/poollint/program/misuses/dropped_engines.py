"""Engines of one function: what becomes of their connections is nobody's business once the function is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.alternatives import exclude
from poollint.program.expressions import assignments, evaluated, mentions, values_given, without_await
from poollint.program.loops import is_inside
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver

_DEEPEST = 6
_LOOPS = frozenset({"for", "while"})


class DroppedEngines:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def has_no_next_user(self, path: str, scope_index: int, expr: model.Expr, line: int, call: int = -1) -> bool:
        """The connection of `expr` is of an engine that its function makes and drops, and it is the last one of it.

        `line` (and `call`) is where something is done to the connection.
        """
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        name = self._engine(path, scope_index, expr, 0)
        if scope.kind != "function" or not name or name in (*scope.globals, *scope.nonlocals):
            return False
        if _leaves(facts, scope_index, name) or _is_made_before_a_loop(facts, scope, name, line):
            return False
        later = (
            index for index in scope.calls if facts.calls[index].line > line and _is_called_on(facts.calls[index], name)
        )
        return all(call >= 0 and exclude(facts, call, index) for index in later)

    def _engine(self, path: str, scope_index: int, expr: model.Expr, depth: int) -> str:
        """The variable of the function that holds the engine of a connection; "" where it is not made here."""
        if depth > _DEEPEST:
            return ""
        if isinstance(expr, (model.Attr, model.Await)):
            return self._engine(path, scope_index, expr.value, depth + 1)
        if isinstance(expr, model.CallRef):
            func = self._resolver.call(path, expr.index).func
            return self._engine(path, scope_index, func.value, depth + 1) if isinstance(func, model.Attr) else ""
        if not isinstance(expr, model.Name):
            return ""
        values = [op.value for op in assignments(self._resolver.scope(path, scope_index), expr.id)]
        if values and all(self._makes_engine(path, value) for value in values):
            return expr.id
        found = {self._engine(path, scope_index, value, depth + 1) for value in values if value is not None}
        return found.pop() if len(found) == 1 else ""

    def _makes_engine(self, path: str, value: model.Expr | None) -> bool:
        made = without_await(value) if value is not None else None
        if not isinstance(made, model.CallRef):
            return False
        callees = self._resolver.callee(path, made.index)
        return any(
            isinstance(each, External) and self._resolver.library.engine_factory(each.fqn) is not None
            for each in callees
        )


def _is_called_on(call: model.Call, name: str) -> bool:
    return isinstance(call.func, model.Attr) and call.func.value == model.Name(name)


def _leaves(facts: model.ModuleFacts, scope_index: int, name: str) -> bool:
    """The engine is returned, stored, passed on or used by an inner function."""
    scope = facts.scopes[scope_index]
    if any(op.value is not None and mentions(op.value, {name}) for op in scope.ops):
        return True
    if any(mentions(each, {name}) for index in scope.calls for each in values_given(facts.calls[index])):
        return True
    return any(mentions(each, {name}) for inner in _inside(facts, scope_index) for each in evaluated(facts, inner))


def _inside(facts: model.ModuleFacts, outer: int) -> Iterator[model.Scope]:
    for child in facts.scopes[outer].children:
        yield facts.scopes[child]
        yield from _inside(facts, child)


def _is_made_before_a_loop(facts: model.ModuleFacts, scope: model.Scope, name: str, line: int) -> bool:
    """The place is passed again and again with the same engine."""
    around = [number for number, block in enumerate(scope.blocks) if block.line <= line <= block.end_line]
    loops = [number for number in around if scope.blocks[number].kind in _LOOPS]
    return any(not is_inside(scope, op.block, loop) for loop in loops for op in assignments(scope, name))
