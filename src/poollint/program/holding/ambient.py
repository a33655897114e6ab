"""Sessions that everybody shares: `db.session` of Flask-SQLAlchemy and the proxies of a scoped_session.

They have no variable to follow: what a called function does with them counts as if the caller had done it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.lifetimes.aliases import Aliases
from poollint.program.lifetimes.app_contexts import AppContexts
from poollint.program.lifetimes.lazy import OF_QUERY
from poollint.program.lifetimes.states import Phase, State
from poollint.program.lifetimes.tracker import Tracker
from poollint.program.lifetimes.walk import Exit, Step
from poollint.program.values import ClassValue, ExternalInstance, Function

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from poollint.library.model import Handle
    from poollint.program.holding.slow import Slow
    from poollint.program.lifetimes.passing import Passing
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver

PROXY = "the shared session"
"""Stands among the names of a state; no variable is called so, so nothing unbinds it."""
MARKERS = frozenset({"scoped_session", "async_scoped_session", "flask_sqlalchemy", "flask_sqlalchemy_lite"})
_REGISTRIES = frozenset({"sqlalchemy.orm.scoped_session", "sqlalchemy.ext.asyncio.async_scoped_session"})
_SETTINGS = frozenset({"configure", "query_property", "has"})
_LEAVING = frozenset({"pop", "__exit__"})
_DEEPEST = 3
_SESSION = "sqlalchemy.orm.Session"

Effect = tuple[frozenset[Phase], frozenset[Phase]]
"""The phases after a call, and those in which it raises."""


class AmbientAliases(Aliases):
    """What denotes the shared session of a scope."""

    def denotes(self, expr: model.Expr | None, names: Collection[str]) -> bool:
        """The expression is the proxy, or the session that calling it gives."""
        return self._is_proxy(expr) or super().denotes(expr, names)

    def is_rooted(self, expr: model.Expr | None) -> bool:
        """Also `Model.query` of Flask-SQLAlchemy."""
        return self._is_query(expr) or super().is_rooted(expr)

    def _is_lazy(self, expr: model.Expr | None, seen: set[str]) -> bool:
        return self._is_query(expr) or super()._is_lazy(expr, seen)

    def _is_proxy(self, expr: model.Expr | None) -> bool:
        if isinstance(expr, model.CallRef):
            return self._is_proxy(self._calls[expr.index].func)
        if not isinstance(expr, (model.Name, model.Attr)):
            return False
        values = self._resolver.values(self._path, self._scope_index, expr)
        return any(isinstance(value, ExternalInstance) and value.fqn in _REGISTRIES for value in values)

    def _is_query(self, expr: model.Expr | None) -> bool:
        if not isinstance(expr, model.Attr) or expr.attr != "query":
            return False
        return any(
            base.startswith("flask_sqlalchemy.")
            for value in self._resolver.values(self._path, self._scope_index, expr.value)
            if isinstance(value, ClassValue)
            for base in self._resolver.classes.external_bases(value)
        )


class AmbientTracker(Tracker):
    """Follows the shared session through one scope, and through the functions that it calls."""

    shared: Ambient

    def call(self, index: int, state: State) -> Step[State]:
        """A call is made; a function of the program may use the session as well."""
        func = self._calls[index].func
        if isinstance(func, model.Attr) and func.attr in _SETTINGS and self.aliases.denotes(func.value, state.names):
            return Step((state,))
        if isinstance(func, model.Attr) and func.attr in _LEAVING and self._ends_context(func.value):
            self.seen.closes.add(self._calls[index].line)
            return Step((self._ended(state) if state.alive else state,))
        step = super().call(index, state)
        effect = self.shared.effect(self._path, index, state.phase) if state.alive else None
        if effect is None:
            return step
        after, raising = effect
        if Phase.HELD in after:
            self.seen.takes.add(self._calls[index].line)
            if state.phase is not Phase.HELD:
                self.seen.checkouts.add(self._calls[index].line)
        return Step(
            tuple(state._replace(phase=phase) for phase in sorted(after)) or step.after,
            tuple(state._replace(phase=phase) for phase in sorted(raising)),
        )

    def _result_used(self, call: model.Call, method: str, used: Iterable[model.Expr], state: State) -> Step[State]:
        """A Query that only becomes another one, or the argument of a call, runs where that call is made."""
        if method in OF_QUERY and call.outer >= 0:
            return Step((state,), (state,))
        return super()._result_used(call, method, used, state)

    def operation(self, index: int, state: State) -> Step[State]:
        """An operation ends; the session belongs to no variable, and is handed to nobody."""
        op = self._scope.ops[index]
        if op.kind in ("return", "yield"):
            self.seen.left(index, state)
            return Step((state,))
        if op.kind == "def" or (op.value is not None and self.aliases.denotes(op.value, state.names)):
            return Step((state,))
        return super().operation(index, state)

    def leave(self, block: int, how: Exit, state: State) -> State:
        """A `with` block is left; that of an application context removes the session."""
        if state.alive and self._ends_context(self._scope.blocks[block].test):
            self.seen.closes.add(self._scope.blocks[block].end_line)
            return self._ended(state)
        return super().leave(block, how, state)

    def _ends_context(self, manager: model.Expr | None) -> bool:
        return self.shared.contexts.ends_with(self._path, self._scope_index, manager)


class Ambient:
    """What functions do with the shared session, each found once."""

    def __init__(self, resolver: Resolver, mentions: Mentions, passing: Passing, slow: Slow) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._passing = passing
        self._slow = slow
        self.contexts = AppContexts(resolver)
        self._effects: dict[tuple[Function, Phase], Effect | None] = {}
        self._touches: dict[tuple[Function, int], bool] = {}
        self._active: list[tuple[Function, Phase]] = []

    @property
    def handle(self) -> Handle | None:
        """The row of the session class."""
        return self._resolver.library.handle(_SESSION)

    def files(self) -> list[str]:
        """Files that use a shared session which a module keeps, and those that can name such a file."""
        project = self._resolver.project
        users = {
            path
            for home in project.naming(project.files, MARKERS)
            for name in self._registries(home)
            for path in self._mentions.files(home, name)
        }
        tails = {project.tail(path) for path in users}
        return sorted(users.union(*(project.mentioning(tail) for tail in sorted(tails))))

    def _registries(self, path: str) -> set[str]:
        """The variables of a module that hold a scoped_session, or something with one called `session`."""
        facts = self._resolver.project.facts(path)
        found = set()
        for op in facts.scopes[0].ops if facts is not None else ():
            if op.kind == "bind" and isinstance(op.target, model.Name) and isinstance(op.value, model.CallRef):
                own = self._resolver.values(path, 0, op.value)
                held = (*own, *self._resolver.attributes(own, "session"))
                if any(isinstance(value, ExternalInstance) and value.fqn in _REGISTRIES for value in held):
                    found.add(op.target.id)
        return found

    def walked(self, path: str, scope: int, phase: Phase) -> tuple[AmbientTracker, frozenset[Phase], frozenset[Phase]]:
        """The scope walked with the shared session in a phase; the phases in which it ends and in which it raises."""
        handle = self.handle
        assert handle is not None
        aliases = AmbientAliases(self._resolver, path, scope, handle, -1, PROXY)
        tracker = self._passing.tracker_of(AmbientTracker, path, scope, aliases)
        tracker.shared = self
        outcome = self._passing.walk(tracker, path, scope, State(phase, False, frozenset({PROXY})))
        after: set[Phase] = set()
        raising: set[Phase] = set()
        for how, paths in outcome.exits.items():
            (raising if how is Exit.RAISE else after).update(state.phase for state in paths)
        return tracker, frozenset(after), frozenset(raising)

    def effect(self, path: str, index: int, phase: Phase) -> Effect | None:
        """What a call does to the shared session; None where no function of the program touches it there."""
        for function in self._slow.runs(path, index):
            if not self.touches(function, _DEEPEST):
                return None
            key = (function, phase)
            if key in self._effects:
                return self._effects[key]
            if key in self._active or len(self._active) >= _DEEPEST:
                return None
            self._active.append(key)
            try:
                _, after, raising = self.walked(function.path, function.scope, phase)
            finally:
                self._active.pop()
            if not self._active:
                self._effects[key] = (after, raising)
            return after, raising
        return None

    def touches(self, function: Function, depth: int) -> bool:
        """The function, or one that it calls, uses the shared session."""
        if depth < 0:
            return False
        key = (function, depth)
        if key not in self._touches:
            self._touches[key] = False
            self._touches[key] = self._finds(function, depth)
        return self._touches[key]

    def _finds(self, function: Function, depth: int) -> bool:
        scope = self._resolver.scope(function.path, function.scope)
        handle = self.handle
        if handle is None or scope.kind not in ("function", "lambda"):
            return False
        aliases = AmbientAliases(self._resolver, function.path, function.scope, handle, -1, PROXY)
        calls = self._resolver.facts(function.path).calls
        for index in scope.calls:
            func = calls[index].func
            if isinstance(func, model.Attr):
                if aliases.denotes(func.value, aliases.names) or aliases.is_rooted(func.value):
                    return True
        return any(
            self.touches(inner, depth - 1) for index in scope.calls for inner in self._slow.runs(function.path, index)
        )
