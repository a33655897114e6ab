"""Memoisers and keyed caches around a site: what they are keyed by, whether they evict, whether they dispose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.library.model import Effect, Keyed
from poollint.program.expressions import evaluated, from_dotted, mentions
from poollint.program.loops import ancestors
from poollint.program.sites import Memo, Times
from poollint.program.values import External

if TYPE_CHECKING:
    from poollint.library.model import Memoizer
    from poollint.program.arguments import ArgumentReader
    from poollint.program.guard import Guard
    from poollint.program.names import Resolver
    from poollint.program.own_caches import OwnCaches

_SET_UP = frozenset({"setUp", "asyncSetUp", "setup_method", "setup"})
_FIXTURES = frozenset({"pytest.fixture", "pytest_asyncio.fixture", "_pytest.fixtures.fixture"})


class Memos:
    """Reads decorators and guards."""

    def __init__(self, resolver: Resolver, arguments: ArgumentReader, own_caches: OwnCaches) -> None:
        self._resolver = resolver
        self._own_caches = own_caches
        self._arguments = arguments

    def of_function(self, path: str, scope_index: int) -> Memo | None:
        """The memoiser (or value cache) that decorates the function which holds the site."""
        scope = self._resolver.scope(path, scope_index)
        outer = max(scope.parent, 0)
        for decorator in scope.decorators:
            func, call = self._resolver.decorating(path, decorator)
            for value in self._resolver.values(path, outer, func):
                if not isinstance(value, External):
                    continue
                anti = self._resolver.library.anti_memoizer(value.fqn)
                if anti is not None and anti.effect is Effect.VALUE_CACHE:
                    return Memo(anti.fqn, "args", value_cache=True)
                row = self._resolver.library.memoizer(value.fqn)
                if row is not None:
                    return self._memo(path, scope, row, call)
        own = self._own_caches.around(path, scope_index)
        if own is None:
            return None
        keyed = own.keyed == "args"
        return Memo("", own.keyed, len(scope.parameters) if keyed else 0, request_key=keyed, locked=own.locked)

    def _memo(self, path: str, scope: model.Scope, row: Memoizer, call: model.Call | None) -> Memo:
        method = scope.parent > 0 and self._resolver.scope(path, scope.parent).kind == "class"
        parameters = len([each for each in scope.parameters if each.kind != "vararg"]) - (1 if method else 0)
        size = row.default_size
        locked = not row.race
        if call is not None:
            given = dict(call.keywords)
            locked = locked or bool(row.lock_keyword and row.lock_keyword in given)
            if row.size is not None:
                expr = given.get(row.size.kw)
                if expr is None and row.size.pos is not None and row.size.pos < len(call.args):
                    expr = call.args[row.size.pos]
                if isinstance(expr, model.Const):
                    size = expr.value if type(expr.value) is int else None
        keyed = "none" if row.keyed is Keyed.NONE or parameters <= 0 else "args"
        if row.keyed is Keyed.INSTANCE or (method and parameters <= 0 and scope.parameters):
            keyed = "instance"
        evicts = row.evicts and (size is not None or row.size is None)
        return Memo(row.fqn, keyed, max(parameters, 0), size, evicts, parameters > 0, locked=locked)

    def of_guard(self, path: str, call: model.Call, guard: Guard | None) -> Memo | None:
        """The container behind a keyed guard."""
        if guard is None or guard.dead or guard.parameter:
            return None
        if guard.key is None or isinstance(guard.key, model.Const):
            if guard.times is Times.ONCE and guard.owner is None:
                return Memo("", "none", locked=self._locked(path, call))
            return None
        request_key = self._arguments.is_from_callers(path, call.scope, guard.key)
        keyed = "pid" if guard.times is Times.PER_PROCESS else "thread" if guard.times is Times.PER_THREAD else "key"
        evicts = self._evicting_container(path, call.scope, guard.target)
        disposes = self._disposes(path, guard.target)
        return Memo("", keyed, 1, None, evicts, request_key, disposes, locked=self._locked(path, call))

    def _evicting_container(self, path: str, scope: int, target: str) -> bool:
        """The container is a cachetools cache: it drops entries by itself."""
        for value in self._resolver.values(path, scope, from_dotted(target)):
            fqn = getattr(value, "fqn", "")
            if fqn.startswith(("cachetools.", "cacheout.", "expiringdict.")):
                return True
        return False

    def _disposes(self, path: str, target: str) -> bool:
        """A function of the file that works on the container disposes of engines."""
        facts = self._resolver.facts(path)
        name = target.rpartition(".")[2]
        for scope in facts.scopes:
            calls = [facts.calls[index] for index in scope.calls]
            disposes = any(isinstance(call.func, model.Attr) and call.func.attr == "dispose" for call in calls)
            if disposes and _speaks_of(facts, scope, name):
                return True
        return False

    def _locked(self, path: str, call: model.Call) -> bool:
        """The site lies in a `with` on something called like a lock's method: any with statement around the guard."""
        scope = self._resolver.scope(path, call.scope)
        return any(scope.blocks[each].kind == "with" for each in ancestors(scope, call.block))

    def speaks_of_sqlite(self, path: str) -> bool:
        """A test file that names an SQLite URL: its databases are files or memory, and no server's connections."""
        return b"sqlite:" in self._resolver.project.data(path) or b"sqlite+" in self._resolver.project.data(path)

    def is_per_test(self, path: str, scope_index: int) -> bool:
        """The function runs before every test, and neither it nor its class disposes of anything."""
        scope = self._resolver.scope(path, scope_index)
        facts = self._resolver.facts(path)
        in_class = scope.parent > 0 and facts.scopes[scope.parent].kind == "class"
        if in_class and scope.name in _SET_UP:
            return not any(_disposes_anything(facts, child) for child in facts.scopes[scope.parent].children)
        if self._is_function_fixture(path, scope):
            return not _disposes_anything(facts, scope_index)
        return False

    def _is_function_fixture(self, path: str, scope: model.Scope) -> bool:
        for decorator in scope.decorators:
            func, call = self._resolver.decorating(path, decorator)
            values = self._resolver.values(path, max(scope.parent, 0), func)
            if any(isinstance(value, External) and value.fqn in _FIXTURES for value in values):
                given = dict(call.keywords).get("scope") if call is not None else None
                return given is None or (isinstance(given, model.Const) and given.value == "function")
        return False


def _disposes_anything(facts: model.ModuleFacts, scope_index: int) -> bool:
    scope = facts.scopes[scope_index]
    for index in scope.calls:
        call = facts.calls[index]
        for expr in (call.func, *call.args):
            if isinstance(expr, model.Attr) and expr.attr in ("dispose", "close", "dispose_engine", "shutdown"):
                return True
    return any(_disposes_anything(facts, child) for child in scope.children)


def _speaks_of(facts: model.ModuleFacts, scope: model.Scope, name: str) -> bool:
    """The scope works on a variable or attribute of this name."""
    targets = (op.target for op in scope.ops if op.target is not None)
    return any(mentions(expr, (name,), attributes=True) for expr in (*evaluated(facts, scope), *targets))
