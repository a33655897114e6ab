"""Sessions on somebody else's connection: they take none from the pool (S6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, last_name, values_given, without_await
from poollint.program.values import ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver

_CONNECTIONS = frozenset({"sqlalchemy.engine.Connection", "sqlalchemy.ext.asyncio.AsyncConnection"})
_OPENING = frozenset({"connect", "begin"})
_DEEPEST = 4


class Bound:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def to_connection(self, path: str, index: int) -> bool:
        """The call, or what makes the factory or registry that it calls, is given a connection."""
        return self._is_given(path, index) or self._through_factory(path, index)

    def _is_given(self, path: str, index: int) -> bool:
        call = self._resolver.call(path, index)
        scope = self._resolver.scope(path, call.scope)
        for argument in values_given(call):
            if isinstance(argument, model.Name) and self._is_connected(path, scope, argument.id):
                return True
            for value in self._resolver.values(path, call.scope, argument):
                if isinstance(value, ExternalInstance) and value.fqn in _CONNECTIONS:
                    return True
        return False

    def _is_connected(self, path: str, scope: model.Scope, name: str) -> bool:
        """`with store.engine.connect() as name`: a connection also where the engine's type is not known."""
        calls = self._resolver.facts(path).calls
        for op in assignments(scope, name):
            value = without_await(op.value) if op.value is not None else None
            if isinstance(value, model.CallRef) and last_name(calls[value.index].func) in _OPENING:
                return True
        return False

    # ---------------------------------------------------------------------------------------------- factories
    def _through_factory(self, path: str, index: int) -> bool:
        """`sessionmaker(bind=connection)`, also inside of a registry, or `factory.configure(bind=connection)`."""
        call = self._resolver.call(path, index)
        func = call.func.value if isinstance(call.func, model.Attr) else call.func
        return self._is_bound(path, call.scope, func, 0)

    def _is_bound(self, path: str, scope: int, factory: model.Expr, depth: int) -> bool:
        if depth > _DEEPEST:
            return False
        if isinstance(factory, model.CallRef):
            call = self._resolver.call(path, factory.index)
            return self._is_given(path, factory.index) or any(
                self._is_bound(path, call.scope, each, depth + 1) for each in values_given(call)
            )
        if not isinstance(factory, model.Name):
            return False
        return any(self._is_given(path, each) for each in self._configuring(path, scope, factory.id)) or any(
            self._is_bound(path, scope, op.value, depth + 1)
            for op in assignments(self._resolver.scope(path, scope), factory.id)
            if op.kind == "bind" and isinstance(op.value, model.CallRef)
        )

    def _configuring(self, path: str, scope: int, name: str) -> Iterator[int]:
        facts = self._resolver.facts(path)
        for index in facts.scopes[scope].calls:
            func = facts.calls[index].func
            if isinstance(func, model.Attr) and func.attr == "configure" and func.value == model.Name(name):
                yield index
