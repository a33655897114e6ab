"""Which engine a session, factory or registry stands on, where the same code makes the engine for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import assignments, parts_of
from poollint.program.lifetimes.registry_sites import PairSite
from poollint.program.sites import Times
from poollint.program.values import External, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poollint.program.lifetimes.making import Making
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.names import Resolver
    from poollint.program.sites import EngineSite

DEEPEST = 12
"""Calls, variables and functions that are followed from a session to its engine."""
_REGISTRIES = frozenset({"sqlalchemy.orm.scoped_session", "sqlalchemy.ext.asyncio.async_scoped_session"})


class Origin(Struct, frozen=True):
    """The engine, and whether a registry stands between."""

    engine: EngineSite
    scoped: bool

    @property
    def is_per_call(self) -> bool:
        """The code that makes the engine is known to run again and again."""
        frequency = self.engine.frequency
        return frequency.known and frequency.times >= Times.PER_THREAD


class Origins:
    """Goes from a call back to the engines of a program. `engines`: by file and call."""

    def __init__(self, resolver: Resolver, engines: Mapping[tuple[str, int], EngineSite]) -> None:
        self._resolver = resolver
        self._engines = engines
        self._paths = frozenset(path for path, _ in engines)
        self._in_vain: dict[tuple[str, int, int | str], int] = {}
        """The smallest depth at which nothing was found behind a call or variable: deeper there is nothing either."""

    def of_call(self, path: str, index: int) -> Origin | None:
        """The engine that the same function, or a function that it calls, makes for the result of the call."""
        if not self._engines:
            return None
        scope = self._resolver.call(path, index).scope
        return self._origin(path, scope, model.CallRef(index), False, 0)

    def pair(self, making: Making, site: HandleSite) -> PairSite | None:
        """The session with the engine that is made for it."""
        if site.kind != "session":
            return None
        origin = self.of_call(making.path, making.call)
        return PairSite(site, origin.engine, origin.scoped) if origin is not None else None

    def _origin(self, path: str, scope: int, expr: model.Expr, scoped: bool, depth: int) -> Origin | None:
        if depth > DEEPEST:
            return None
        if not isinstance(expr, (model.CallRef, model.Name)):
            return self._searched(path, scope, expr, scoped, depth)
        key = (path, scope, expr.id if isinstance(expr, model.Name) else expr.index)
        if depth >= self._in_vain.get(key, DEEPEST + 1):
            return None
        found = self._searched(path, scope, expr, scoped, depth)
        if found is None:
            self._in_vain[key] = depth
        return found

    def _searched(self, path: str, scope: int, expr: model.Expr, scoped: bool, depth: int) -> Origin | None:
        if isinstance(expr, model.CallRef):
            engine = self._engines.get((path, expr.index))
            if engine is not None:
                return Origin(engine, scoped)
            callees = self._resolver.callee(path, expr.index)
            scoped = scoped or any(isinstance(value, External) and value.fqn in _REGISTRIES for value in callees)
            for value in callees:
                for function in functions_of(value):
                    for result in self._returned(function.path, function.scope):
                        found = self._origin(function.path, function.scope, result, scoped, depth + 1)
                        if found is not None:
                            return found
        for part in self._behind(path, scope, expr):
            found = self._origin(path, scope, part, scoped, depth + 1)
            if found is not None:
                return found
        return None

    def _behind(self, path: str, scope_index: int, expr: model.Expr) -> Iterator[model.Expr]:
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        if isinstance(expr, model.Name):
            if scope.kind in ("function", "lambda") and expr.id not in scope.globals:
                for op in assignments(scope, expr.id):
                    if op.value is not None and op.kind in ("bind", "with"):
                        yield op.value
        else:
            yield from parts_of(facts, expr)

    def _returned(self, path: str, scope_index: int) -> Iterator[model.Expr]:
        scope = self._resolver.scope(path, scope_index)
        if scope.kind in ("function", "lambda") and not scope.is_generator:
            for op in scope.ops:
                if op.kind == "return" and op.value is not None:
                    yield op.value
