"""Which engine a session or connection stands on, back through variables, imports, attributes and factories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import is_none, without_await
from poollint.program.values import ClassValue, External, Instance, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver
    from poollint.program.pooling.certain import Certain

_DEEPEST = 12
_BINDING = ("bind", "session_factory", "maker")
"""Keywords by which a session, sessionmaker or registry is given what it stands on."""

Place = tuple[str, int]
"""A file and a call in it."""
_Step = tuple[str, int, model.Expr]
"""A file, a scope of it, and an expression there."""


class EnginesBehind:
    """Goes from calls back to `engines`, calls that make engines. What is not certain leads nowhere."""

    def __init__(self, resolver: Resolver, certain: Certain, engines: frozenset[Place]) -> None:
        self._resolver = resolver
        self._certain = certain
        self._engines = engines

    def of_call(self, path: str, index: int) -> Place | None:
        """The engine that the result of a call stands on."""
        step: _Step | None = (path, self._resolver.call(path, index).scope, model.CallRef(index))
        for _ in range(_DEEPEST):
            if step is None:
                return None
            path, _, expr = step
            if isinstance(expr, model.CallRef) and (path, expr.index) in self._engines:
                return path, expr.index
            step = self._before(*step)
        return None

    def _before(self, path: str, scope: int, expr: model.Expr) -> _Step | None:
        """One step back."""
        expr = without_await(expr)
        if isinstance(expr, model.Name):
            return self._before_name(path, scope, expr.id)
        if isinstance(expr, model.Attr):
            return self._before_attribute(path, scope, expr)
        if isinstance(expr, model.CallRef):
            return self._before_call(path, expr.index)
        return None

    def _before_name(self, path: str, scope: int, name: str) -> _Step | None:
        found = self._certain.assigned(path, scope, name)
        if found is not None:
            return path, *found
        elsewhere = self._certain.elsewhere(path, scope, model.Name(name))
        return (elsewhere[0], 0, elsewhere[1]) if elsewhere is not None else None

    def _before_attribute(self, path: str, scope: int, expr: model.Attr) -> _Step | None:
        """The variable of a module of the program, or what the one assignment to an attribute of a class gives it."""
        elsewhere = self._certain.elsewhere(path, scope, expr)
        if elsewhere is not None:
            return elsewhere[0], 0, elsewhere[1]
        owners = [v for v in self._resolver.values(path, scope, expr.value) if isinstance(v, (Instance, ClassValue))]
        if len(owners) != 1:
            return None
        cls = owners[0].cls if isinstance(owners[0], Instance) else owners[0]
        owner, members = self._resolver.classes.find(cls, expr.attr) or (cls, [])
        set_to = [member for member in members if member.value is None or not is_none(member.value)]
        if len(set_to) != 1 or set_to[0].kind != "value" or set_to[0].value is None:
            return None
        return owner.path, set_to[0].scope, set_to[0].value

    def _before_call(self, path: str, index: int) -> _Step | None:
        """What a call is given to stand on, what it is a method of, or what the function returns."""
        call = self._resolver.call(path, index)
        callees = self._resolver.callee(path, index)
        functions = [function for value in callees for function in functions_of(value)]
        if functions:
            return self._returned(functions[0].path, functions[0].scope) if len(functions) == 1 else None
        if any(isinstance(value, External) and self._is_maker(value.fqn) for value in callees):
            given = next((value for name, value in call.keywords if name in _BINDING), None)
            given = given if given is not None or not call.args else call.args[0]
            return (path, call.scope, given) if given is not None else None
        if isinstance(call.func, model.Attr):
            return path, call.scope, call.func.value
        return (path, call.scope, call.func) if isinstance(call.func, (model.Name, model.CallRef)) else None

    def _is_maker(self, fqn: str) -> bool:
        """A class of sessions, factories or registries: it stands on its argument."""
        return self._resolver.library.session_factory(fqn) is not None

    def _returned(self, path: str, scope_index: int) -> _Step | None:
        results = list(_results(self._resolver.scope(path, scope_index)))
        return (path, scope_index, results[0]) if len(results) == 1 else None


def _results(scope: model.Scope) -> Iterator[model.Expr]:
    for op in scope.ops:
        if op.kind in ("return", "yield") and op.value is not None:
            yield op.value
