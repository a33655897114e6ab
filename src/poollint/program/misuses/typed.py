"""What an expression is: a session, a connection, or a registry that stands for the session of its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.values import External, ExternalInstance, Function, Generated, Instance

if TYPE_CHECKING:
    from poollint.library.model import Handle
    from poollint.program.names import Resolver
    from poollint.program.values import Value

REGISTRIES = frozenset({"sqlalchemy.orm.scoped_session", "sqlalchemy.ext.asyncio.async_scoped_session"})
DEPENDS = frozenset({"fastapi.Depends", "fastapi.Security", "fastapi.params.Depends"})
_SESSION = "sqlalchemy.orm.Session"


class Typed:
    """Answers "is this a session" for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def handle(self, path: str, scope: int, expr: model.Expr) -> Handle | None:
        """The methods of the session or connection that the expression is; None where it is not known to be one."""
        for value in self._resolver.values(path, scope, expr):
            found = self._of_value(value)
            if found is not None:
                return found
        if isinstance(expr, model.Name):
            return self._of_dependency(path, scope, expr.id)
        return None

    def is_registry(self, path: str, scope: int, expr: model.Expr) -> bool:
        """A scoped_session: each thread or request has a session of its own."""
        values = self._resolver.values(path, scope, expr)
        return any(isinstance(value, ExternalInstance) and value.fqn in REGISTRIES for value in values)

    def _of_value(self, value: Value) -> Handle | None:
        library = self._resolver.library
        if isinstance(value, ExternalInstance):
            return library.handle(_SESSION if value.fqn in REGISTRIES else value.fqn)
        if isinstance(value, Instance):
            bases = self._resolver.classes.external_bases(value.cls)
            return next((found for base in bases if (found := library.handle(base)) is not None), None)
        return None

    # ---------------------------------------------------------------------------------------------- dependencies
    def _of_dependency(self, path: str, scope: int, name: str) -> Handle | None:
        provider = self.provider(path, scope, name)
        if provider is None:
            return None
        for value in self.provided(path, scope, provider):
            found = self._of_value(value)
            if found is not None:
                return found
        return None

    def provider(self, path: str, scope: int, name: str) -> model.Expr | None:
        """What a parameter depends on: `f` of `name=Depends(f)`; None for other names."""
        facts = self._resolver.scope(path, scope)
        if facts.kind not in ("function", "lambda"):
            return None
        for parameter in facts.parameters:
            if parameter.name == name and isinstance(parameter.default, model.CallRef):
                index = parameter.default.index
                call = self._resolver.call(path, index)
                callees = self._resolver.callee(path, index)
                if call.args and any(isinstance(v, External) and v.fqn in DEPENDS for v in callees):
                    return call.args[0]
        return None

    def provided(self, path: str, scope: int, provider: model.Expr) -> list[Value]:
        """What a dependency gives: what it returns, or yields."""
        outer = max(self._resolver.scope(path, scope).parent, 0)
        found: list[Value] = []
        for value in self._resolver.values(path, outer, provider):
            if isinstance(value, Function):
                for result in self._resolver.calls.function_result(value):
                    if isinstance(result, Generated):
                        found.extend(self._resolver.calls.yields(result.function))
                    else:
                        found.append(result)
        return found
