"""Who decides a value: the callers of a function, or the object that a method belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, parts_of

if TYPE_CHECKING:
    from poollint.program.folding import Folding
    from poollint.program.names import Resolver

_DEEPEST = 10


class Origins:
    """Follows a value back to the parameters and attributes that it is computed from."""

    def __init__(self, resolver: Resolver, folding: Folding) -> None:
        self._resolver = resolver
        self._folding = folding

    def is_from_callers(self, path: str, scope: int, expr: model.Expr | None, depth: int = 0) -> bool:
        """A caller decides the value: it is computed from a parameter (other than self)."""
        if expr is None or depth > _DEEPEST:
            return False
        if isinstance(expr, model.Name):
            return self._name_is_from_callers(path, scope, expr.id, depth)
        parts = parts_of(self._resolver.facts(path), expr)
        return any(self.is_from_callers(path, scope, part, depth + 1) for part in parts)

    def _name_is_from_callers(self, path: str, scope: int, name: str, depth: int) -> bool:
        current = scope
        while current >= 0:
            holder = self._resolver.scope(path, current)
            for number, parameter in enumerate(holder.parameters):
                if parameter.name == name:
                    return not (number == 0 and name in ("self", "cls"))
            bound = list(assignments(holder, name))
            if bound:
                return any(self.is_from_callers(path, current, op.value, depth + 1) for op in bound)
            current = holder.parent
        return False

    def is_from_self(self, path: str, scope_index: int, expr: model.Expr, depth: int = 0) -> bool:
        """The value comes from an attribute or method of `self`: each object may have another one."""
        scope = self._resolver.scope(path, scope_index)
        if depth > _DEEPEST or not scope.parameters or self._resolver.defining_class(path, scope_index) is None:
            return False
        if isinstance(expr, model.Name):
            if expr.id == scope.parameters[0].name:
                return True
            single = self._folding.single(path, scope_index, expr.id)
            return single is not None and self.is_from_self(path, scope_index, single, depth + 1)
        parts = parts_of(self._resolver.facts(path), expr)
        return any(self.is_from_self(path, scope_index, part, depth + 1) for part in parts)
