"""Objects that are built on a session or connection and work on it: an Inspector, a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from poollint.facts import model
from poollint.program.expressions import assignments, values_given
from poollint.program.values import ClassValue, External

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.lifetimes.aliases import Aliases
    from poollint.program.names import Resolver


class BuiltOn:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._functions = frozenset(cast("Iterable[Any]", resolver.library.facts.get("built_on_handles", ())))

    def is_yielded(self, path: str, scope: int, aliases: Aliases) -> bool:
        """The generator yields an object that is built on the handle: its consumer works on that, as it means to."""
        ops = self._resolver.scope(path, scope).ops
        return any(op.kind == "yield" and self._denotes(path, scope, op.value, aliases) for op in ops)

    def _denotes(self, path: str, scope: int, expr: model.Expr | None, aliases: Aliases) -> bool:
        if isinstance(expr, model.Name):
            made = [op.value for op in assignments(self._resolver.scope(path, scope), expr.id)]
            return any(
                isinstance(value, model.CallRef) and self._denotes(path, scope, value, aliases) for value in made
            )
        if isinstance(expr, model.Items):
            return any(self._denotes(path, scope, item, aliases) for item in expr.items)
        if not isinstance(expr, model.CallRef):
            return False
        call = self._resolver.call(path, expr.index)
        if not any(aliases.denotes(value, aliases.names) for value in values_given(call)):
            return False
        return any(
            isinstance(value, ClassValue) or (isinstance(value, External) and value.fqn in self._functions)
            for value in self._resolver.callee(path, expr.index)
        )
