"""POL609: autocommit or isolation level set on the driver's connection below the pool, which hands it on like that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import dotted, last_name, spelled
from poollint.program.misuses.dropped_engines import DroppedEngines
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.misuses.typed import Typed
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.sites import Span

_BELOW = frozenset({"connection", "dbapi_connection", "driver_connection"})
_ATTRIBUTES = frozenset({"autocommit", "isolation_level"})
_METHODS = frozenset({"set_isolation_level", "set_session"})
_NOT_RETURNED = frozenset({"detach", "invalidate", "dispose"})
_POOLED = frozenset({"connection", "raw_connection"})


class DriverState(Finder):
    """Looks for writes to what lies below a pooled connection."""

    markers = (b".autocommit", b".isolation_level", b"set_isolation_level(", b".set_session(")

    def __init__(self, resolver: Resolver, typed: Typed, places: Places) -> None:
        self._dropped = DroppedEngines(resolver)
        self._typed = typed
        self._places = places

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The changes of a file that the next user of the connection inherits."""
        if any(key == "poolclass" and last_name(v) == "NullPool" for call in facts.calls for key, v in call.keywords):
            return
        for number, scope in enumerate(facts.scopes):
            changes = list(self._changes(path, facts, number, scope))
            texts = [text for text, _, _ in changes]
            if not changes or self._is_not_returned(facts, scope) or _leaves(scope, texts):
                continue
            for text, span, what in changes:
                if texts.count(text) == 1:
                    yield Misuse(
                        MisuseKind.DRIVER_STATE,
                        span,
                        scope.qualname,
                        text,
                        detail=what,
                        in_test=self._places.is_test(path),
                        in_migration=self._places.is_migration(path),
                    )

    def _changes(
        self, path: str, facts: model.ModuleFacts, number: int, scope: model.Scope
    ) -> Iterator[tuple[str, Span, str]]:
        for op in scope.ops:
            if op.kind == "bind" and isinstance(op.target, model.Attr) and op.target.attr in _ATTRIBUTES:
                if self._is_below(path, number, op.target.value):
                    if self._dropped.has_no_next_user(path, number, op.target.value, op.line):
                        continue
                    span = spans.of_line(path, op.line)
                    yield dotted(op.target) or op.target.attr, span, op.target.attr
        for index in scope.calls:
            call = facts.calls[index]
            if isinstance(call.func, model.Attr) and call.func.attr in _METHODS:
                if self._is_below(path, number, call.func.value):
                    if self._dropped.has_no_next_user(path, number, call.func.value, call.line, index):
                        continue
                    yield spelled(call.func, facts), spans.of(path, call), call.func.attr

    def _is_below(self, path: str, scope: int, expr: model.Expr) -> bool:
        """The driver's connection of something that the pool gave; a raw connection stands for it."""
        depth = 0
        while isinstance(expr, model.Attr) and expr.attr in _BELOW:
            handle = self._typed.handle(path, scope, expr)
            if handle is not None and handle.kind == "raw_connection":
                return True
            expr, depth = expr.value, depth + 1
        handle = self._typed.handle(path, scope, expr)
        if handle is None or handle.kind not in _POOLED:
            return False
        return depth > 0 or handle.kind == "raw_connection"

    def _is_not_returned(self, facts: model.ModuleFacts, scope: model.Scope) -> bool:
        """The connection never goes back to the pool as it is: detached, invalidated, or the pool is thrown away."""
        for index in scope.calls:
            func = facts.calls[index].func
            if isinstance(func, model.Attr) and func.attr in _NOT_RETURNED:
                return True
        return False


def _leaves(scope: model.Scope, texts: list[str]) -> bool:
    """The connection is returned or yielded: its user sets it back."""
    names = {text.split(".", 1)[0] for text in texts}
    return any(
        op.kind in ("return", "yield") and isinstance(op.value, model.Name) and op.value.id in names for op in scope.ops
    )
