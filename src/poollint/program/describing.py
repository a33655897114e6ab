"""Whether an engine is asked for its dialect or URL only: one that never connects has an empty pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import last_name, values_given

if TYPE_CHECKING:
    from poollint.program.holdings import Holdings

_DESCRIBING = frozenset({"url", "dialect", "name", "driver", "echo", "logger", "dispose"})
"""What an engine tells, or does, without a connection."""
_COMPILING = frozenset({"compile", "isinstance", "str", "repr", "type", "print"})
"""Callees that ask an engine they are given for its dialect or its text."""


def never_connects(holdings: Holdings) -> bool:
    """Something asks the engine for its dialect or URL, or compiles for it, and nothing in its scope does more.

    An engine that is not used at all does not count: what it is meant for cannot be seen.
    """
    reader = _Uses(holdings)
    return not holdings.flow.escapes and reader.only_describe() and reader.described


class _Uses:
    """Looks at each place where a scope uses the engine."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self.described = False

    def only_describe(self) -> bool:
        """No use needs a connection."""
        scope, facts = self._holdings.scope, self._holdings.facts
        calls = (facts.calls[index] for index in scope.calls)
        tests = (block.test for block in scope.blocks if block.test is not None)
        return (
            all(self._is_harmless_call(call) for call in calls)
            and all(self._is_harmless_operation(op) for op in scope.ops)
            and all(self._is_harmless(test) for test in tests)
        )

    def _is_harmless_call(self, call: model.Call) -> bool:
        compiles = last_name(call.func) in _COMPILING
        return self._is_harmless(call.func) and all(
            self._is_harmless(each) or (compiles and self._describes(each)) for each in values_given(call)
        )

    def _is_harmless_operation(self, op: model.Op) -> bool:
        """Naming the engine uses nothing of it."""
        named = op.kind in ("bind", "eval") and not isinstance(op.target, (model.Attr, model.Subscript))
        return op.value is None or (named and self._holdings.is_engine(op.value)) or self._is_harmless(op.value)

    def _describes(self, expr: model.Expr) -> bool:
        found = self._holdings.is_engine(expr)
        self.described = self.described or found
        return found

    def _is_harmless(self, expr: model.Expr) -> bool:
        """The engine does not occur, or as the receiver of an attribute that needs no connection."""
        if self._holdings.of(expr) is not None:
            return False
        if isinstance(expr, model.Attr):
            if expr.attr in _DESCRIBING and self._holdings.is_engine(expr.value):
                self.described = self.described or expr.attr != "dispose"
                return True
            return self._is_harmless(expr.value)
        if isinstance(expr, model.Compare):
            return all(self._holdings.is_engine(each) or self._is_harmless(each) for each in (expr.left, expr.right))
        return all(self._is_harmless(each) for each in _parts(expr))


def _parts(expr: model.Expr) -> list[model.Expr]:
    if isinstance(expr, (model.Await, model.Star, model.Not, model.Walrus)):
        return [expr.value]
    if isinstance(expr, model.Subscript):
        return [expr.value, expr.index]
    if isinstance(expr, (model.Items, model.Bool, model.Derived)):
        return expr.items
    if isinstance(expr, model.Mapping):
        return expr.values
    if isinstance(expr, model.Conditional):
        return [expr.body, expr.orelse]
    return expr.elements if isinstance(expr, model.Comprehension) else []
