"""POL608: the connection that `session.connection()` lends is closed while the session still uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import assignments, is_call, spelled, without_await
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver
    from poollint.program.places import Places

_LENDING = frozenset(
    {
        "sqlalchemy.orm.Session.connection",
        "sqlmodel.Session.connection",
        "sqlalchemy.orm.scoped_session.connection",
        "sqlalchemy.ext.asyncio.AsyncSession.connection",
        "sqlmodel.ext.asyncio.session.AsyncSession.connection",
        "sqlalchemy.ext.asyncio.async_scoped_session.connection",
    }
)
_CLOSING = frozenset({"contextlib.closing", "contextlib.aclosing"})


class SessionConnections(Finder):
    """Looks for `with session.connection()` and `session.connection().close()`."""

    markers = (b".connection(",)

    def __init__(self, resolver: Resolver, places: Places) -> None:
        self._resolver = resolver
        self._places = places

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The lent connections that a file closes."""
        for index, call in enumerate(facts.calls):
            if not isinstance(call.func, model.Attr) or call.func.attr != "connection":
                continue
            certain = any(isinstance(v, External) and v.fqn in _LENDING for v in self._resolver.callee(path, index))
            if not certain and not self._looks_lent(path, facts, index, call):
                continue
            closed = self._closed(path, facts, index, call)
            if closed is not None:
                scope = facts.scopes[call.scope]
                yield Misuse(
                    MisuseKind.SESSION_CONNECTION_CLOSED,
                    spans.of(path, closed),
                    scope.qualname,
                    spelled(call.func, facts),
                    detail="with" if closed is call else "close()",
                    certain=certain,
                    in_test=self._places.is_test(path),
                    in_migration=self._places.is_migration(path),
                )

    def _closed(self, path: str, facts: model.ModuleFacts, index: int, call: model.Call) -> model.Call | None:
        """The call that closes it: itself for a `with` block."""
        if call.outer >= 0:
            outer = facts.calls[call.outer]
            if call.role == "func":
                is_close = isinstance(outer.func, model.Attr) and outer.func.attr == "close"
                return outer if is_close and _is_result(outer.func, index) else None
            callees = self._resolver.callee(path, call.outer)
            return call if any(isinstance(v, External) and v.fqn in _CLOSING for v in callees) else None
        scope = facts.scopes[call.scope]
        if call.op < 0:
            return None
        op = scope.ops[call.op]
        value = without_await(op.value) if op.value is not None else None
        if not isinstance(value, model.CallRef) or value.index != index:
            return None
        if op.kind == "with":
            return call
        if op.kind != "bind" or not isinstance(op.target, model.Name):
            return None
        if sum(1 for _ in assignments(scope, op.target.id)) > 1:
            return None
        return _close_of(facts, scope, op.target.id)

    def _looks_lent(self, path: str, facts: model.ModuleFacts, index: int, call: model.Call) -> bool:
        """`with unknown.connection() as c: c.execute(text(...))`: nothing else that runs SQLAlchemy's constructs."""
        if call.op < 0 or call.args or call.outer >= 0 or self._resolver.callee(path, index):
            return False
        assert isinstance(call.func, model.Attr)
        scope = facts.scopes[call.scope]
        op = scope.ops[call.op]
        if op.kind != "with" or scope.blocks[op.block].is_async or not isinstance(op.target, model.Name):
            return False
        for each in scope.calls:
            inner = facts.calls[each]
            func = inner.func
            if not isinstance(func, model.Attr) or func.attr != "execute" or not inner.args:
                continue
            if isinstance(func.value, model.Name) and func.value.id == op.target.id:
                values = self._resolver.values(path, call.scope, inner.args[0])
                if any(isinstance(v, ExternalInstance) and v.fqn.startswith("sqlalchemy.") for v in values):
                    return True
        return False


def _is_result(func: model.Expr, index: int) -> bool:
    return isinstance(func, model.Attr) and is_call(func.value, index)


def _close_of(facts: model.ModuleFacts, scope: model.Scope, name: str) -> model.Call | None:
    for each in scope.calls:
        func = facts.calls[each].func
        if isinstance(func, model.Attr) and func.attr == "close" and isinstance(func.value, model.Name):
            if func.value.id == name:
                return facts.calls[each]
    return None
