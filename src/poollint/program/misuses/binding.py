"""POL606 and POL607: sessions bound to a connection that nothing closes, and engine.begin() used as a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import spelled, without_await
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver
    from poollint.program.places import Places

_CONNECTS = frozenset({"sqlalchemy.engine.Engine.connect", "sqlalchemy.ext.asyncio.AsyncEngine.connect"})
_BEGINS = frozenset({"sqlalchemy.engine.Engine.begin", "sqlalchemy.ext.asyncio.AsyncEngine.begin"})
_FACTORIES = frozenset({"sqlalchemy.orm.sessionmaker", "sqlalchemy.ext.asyncio.async_sessionmaker"})
_SESSIONS = frozenset(
    {
        "sqlalchemy.orm.Session",
        "sqlmodel.Session",
        "sqlalchemy.orm.create_session",
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlmodel.ext.asyncio.session.AsyncSession",
        "sqlalchemy.orm.sessionmaker.__call__",
    }
)
_ENTERING = frozenset({"__enter__", "__aenter__"})


class Binding(Finder):
    """Looks at `connect()` in the arguments of sessions, and at `begin()` outside of `with`."""

    markers = (b".connect(", b".begin(")

    def __init__(self, resolver: Resolver, places: Places) -> None:
        self._resolver = resolver
        self._places = places

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The wrong bindings of a file."""
        for index, call in enumerate(facts.calls):
            if not isinstance(call.func, model.Attr):
                continue
            if call.func.attr == "connect" and call.outer >= 0 and self._names(path, index) & _CONNECTS:
                yield from self._bound(path, facts, index, call)
            elif call.func.attr == "begin" and not call.awaited and self._names(path, index) & _BEGINS:
                yield from self._begun(path, facts, index, call)

    def _names(self, path: str, index: int) -> set[str]:
        return {value.fqn for value in self._resolver.callee(path, index) if isinstance(value, External)}

    # ---------------------------------------------------------------------------------------------- POL606
    def _bound(self, path: str, facts: model.ModuleFacts, index: int, call: model.Call) -> Iterator[Misuse]:
        outer_index, taken = call.outer, index
        outer = facts.calls[outer_index]
        if call.role == "func" and isinstance(outer.func, model.Attr) and outer.func.attr == "execution_options":
            if outer.outer < 0:
                return
            outer_index, taken = outer.outer, outer_index
            outer = facts.calls[outer_index]
        if not _is_bind(outer, taken):
            return
        names = self._made(path, outer_index)
        if not names & (_FACTORIES | _SESSIONS):
            return
        scope = facts.scopes[call.scope]
        yield Misuse(
            MisuseKind.BOUND_TO_CONNECTION,
            spans.of(path, call),
            scope.qualname,
            spelled(outer.func, facts),
            detail="every session" if names & _FACTORIES else "closing the session",
            grave=bool(names & _FACTORIES) or call.scope == 0,
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
            group=spans.of(path, call),
        )

    def _made(self, path: str, index: int) -> set[str]:
        names = self._names(path, index)
        for value in self._resolver.callee(path, index):
            if not isinstance(value, External):
                names |= {f"{getattr(value, 'fqn', '')}.__call__"}
        return names

    # ---------------------------------------------------------------------------------------------- POL607
    def _begun(self, path: str, facts: model.ModuleFacts, index: int, call: model.Call) -> Iterator[Misuse]:
        if call.op < 0 or call.outer >= 0:
            return
        scope = facts.scopes[call.scope]
        op = scope.ops[call.op]
        value = without_await(op.value) if op.value is not None else None
        if not isinstance(value, model.CallRef) or value.index != index:
            return
        if op.kind == "bind" and isinstance(op.target, model.Name):
            if self._is_entered(facts, scope, op.target.id):
                return
        elif op.kind != "eval":
            return
        yield Misuse(
            MisuseKind.BEGIN_WITHOUT_WITH,
            spans.of(path, call),
            scope.qualname,
            spelled(call.func, facts),
            detail=op.target.id if isinstance(op.target, model.Name) else "",
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
            group=spans.of(path, call),
        )

    def _is_entered(self, facts: model.ModuleFacts, scope: model.Scope, name: str) -> bool:
        """The variable is used in a `with`, entered by hand, or given to something that may enter it."""
        for op in scope.ops:
            if op.kind == "with" and isinstance(op.value, model.Name) and op.value.id == name:
                return True
            if op.kind == "bind" and isinstance(op.value, model.Name) and op.value.id == name:
                return True
        for each in scope.calls:
            call = facts.calls[each]
            if any(isinstance(given, model.Name) and given.id == name for given in call.args):
                return True
            if any(isinstance(given, model.Name) and given.id == name for _, given in call.keywords):
                return True
            if isinstance(call.func, model.Attr) and call.func.attr in _ENTERING:
                return True
        return False


def _is_bind(call: model.Call, index: int) -> bool:
    """The call is given the result of the other one as its engine."""
    given = [*call.args[:1], *(value for keyword, value in call.keywords if keyword == "bind")]
    return any(isinstance(without_await(value), model.CallRef) and _index(value) == index for value in given)


def _index(value: model.Expr) -> int:
    bare = without_await(value)
    return bare.index if isinstance(bare, model.CallRef) else -1
