"""What a registry keeps a session for, and what it is made from: the arguments of `scoped_session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import last_name
from poollint.program.lifetimes.registry_sites import MadeFrom, Scoping
from poollint.program.lifetimes.session_uses import SESSIONS
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from poollint.program.names import Resolver

SYNC, ASYNC = "sqlalchemy.orm.scoped_session", "sqlalchemy.ext.asyncio.async_scoped_session"
_THREAD_NAMES = frozenset({"threading.get_ident", "threading.current_thread", "_thread.get_ident"})
_TASK_NAMES = frozenset({"asyncio.current_task", "asyncio.tasks.current_task"})
_LOOP_NAMES = frozenset({"asyncio.get_running_loop", "asyncio.get_event_loop"})


class Scopes:
    """Reads the arguments."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def scoping(self, path: str, call: model.Call, is_async: bool) -> Scoping:
        given = next((value for name, value in call.keywords if name == "scopefunc"), None)
        if given is None and len(call.args) > 1:
            given = call.args[1]
        if any(name is None for name, _ in call.keywords) or any(isinstance(each, model.Star) for each in call.args):
            return Scoping.OWN
        if given is None:
            return Scoping.MISSING if is_async else Scoping.THREAD
        if isinstance(given, model.Const):
            return Scoping.THREAD if given.value is None and not given.kind and not is_async else Scoping.OWN
        if isinstance(given, model.Lambda):
            return self._of_lambda(path, given.scope)
        return self._of_names(self._resolver.values(path, call.scope, given))

    def _of_lambda(self, path: str, scope_index: int) -> Scoping:
        """`lambda: 1` is one session for everybody; `lambda: id(current_task())` is what it calls."""
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        if scope.calls:
            found = {self._of_names(self._resolver.callee(path, index)) for index in scope.calls}
            known = found - {Scoping.OWN}
            return known.pop() if len(known) == 1 else Scoping.OWN
        results = [op.value for op in scope.ops if op.kind == "return"]
        return Scoping.SHARED if results and all(isinstance(each, model.Const) for each in results) else Scoping.OWN

    def _of_names(self, values: tuple[object, ...]) -> Scoping:
        names = {value.fqn for value in values if isinstance(value, External)}
        for known, scoping in ((_THREAD_NAMES, Scoping.THREAD), (_TASK_NAMES, Scoping.TASK)):
            if names & known:
                return scoping
        return Scoping.SHARED if names & _LOOP_NAMES else Scoping.OWN

    def made_from(self, path: str, call: model.Call) -> MadeFrom:
        given = call.args[0] if call.args else None
        given = next((value for name, value in call.keywords if name == "session_factory"), given)
        for value in self._resolver.values(path, call.scope, given):
            if isinstance(value, ExternalInstance):
                if value.fqn in (SYNC, ASYNC):
                    return MadeFrom.REGISTRY
                if value.fqn in SESSIONS:
                    return MadeFrom.SESSION
                if value.fqn == "sqlalchemy.ext.asyncio.async_sessionmaker":
                    return MadeFrom.ASYNC_FACTORY
        if isinstance(given, model.CallRef):
            made = self._resolver.call(path, given.index)
            kinds = [value for name, value in made.keywords if name == "class_"]
            if any(last_name(kind) == "AsyncSession" for kind in kinds):
                return MadeFrom.ASYNC_FACTORY
        return MadeFrom.FACTORY
