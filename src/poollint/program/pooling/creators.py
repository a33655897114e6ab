"""POL311: a `creator` that takes its connections from a pool of the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import without_await
from poollint.program.values import External, functions_of

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_CREATORS = ("creator", "async_creator")


class Creators:
    """Looks at the function that makes the connections of an engine."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def lender(self, path: str, scope: int, keywords: dict[str, model.Expr]) -> str:
        """The method of a driver's pool that the creator is, or calls and returns: "ConnectionPool.getconn"."""
        for name in _CREATORS:
            if name in keywords:
                return self._lender(path, scope, keywords[name])
        return ""

    def _lender(self, path: str, scope: int, expr: model.Expr) -> str:
        values = self._resolver.values(path, scope, expr)
        found = [self._lends(value.fqn) for value in values if isinstance(value, External)]
        for function in (each for value in values for each in functions_of(value)):
            body = self._resolver.scope(function.path, function.scope)
            for op in body.ops:
                if op.kind == "return" and op.value is not None:
                    found.append(self._called(function.path, without_await(op.value)))
        return found[0] if found and all(found) else ""

    def _called(self, path: str, expr: model.Expr) -> str:
        """The lending method whose result the expression is."""
        if not isinstance(expr, model.CallRef):
            return ""
        callees = self._resolver.callee(path, expr.index)
        found = [self._lends(value.fqn) if isinstance(value, External) else "" for value in callees]
        return found[0] if found and all(found) else ""

    def _lends(self, fqn: str) -> str:
        owner, _, method = fqn.rpartition(".")
        row = self._resolver.library.driver_pool(owner) if owner else None
        if row is None or method not in row.lends:
            return ""
        maker = owner.rpartition(".")[2]
        return f"{maker}().{method}" if maker.islower() else f"{maker}.{method}"
