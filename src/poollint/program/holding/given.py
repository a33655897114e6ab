"""A session that a function is given, followed through the function; FastAPI's through the dependencies before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.program.lifetimes.aliases import Aliases
from poollint.program.lifetimes.states import Phase, State
from poollint.program.lifetimes.tracker import Tracker
from poollint.program.lifetimes.walk import Exit, Step

if TYPE_CHECKING:
    from poollint.library.model import Handle
    from poollint.program.holding.parameters import Given, Parameters
    from poollint.program.lifetimes.passing import Passing
    from poollint.program.names import Resolver
    from poollint.program.values import Function

_DEEPEST = 4


class GivenTracker(Tracker):
    """Follows a parameter. A nested function that mentions it does not take it away: its owner ends it."""

    def operation(self, index: int, state: State) -> Step[State]:
        """An operation ends."""
        if self._scope.ops[index].kind == "def":
            return Step((state,))
        return super().operation(index, state)


class Origin(Struct, frozen=True):
    """Where a dependency's session took its connection before the function began."""

    function: Function
    line: int


class GivenSessions:
    """Walks functions of one program for the sessions that they are given."""

    def __init__(self, resolver: Resolver, passing: Passing, parameters: Parameters) -> None:
        self._resolver = resolver
        self._passing = passing
        self.parameters = parameters
        self._after: dict[tuple[Function, Function], Origin | None] = {}

    def walked(self, path: str, scope: int, name: str, handle: Handle, phase: Phase) -> GivenTracker:
        """The scope walked with the session in a phase."""
        tracker, _ = self._walk(path, scope, name, handle, phase)
        return tracker

    def _walk(
        self, path: str, scope: int, name: str, handle: Handle, phase: Phase
    ) -> tuple[GivenTracker, frozenset[Phase]]:
        aliases = Aliases(self._resolver, path, scope, handle, -1, name)
        tracker = self._passing.tracker_of(GivenTracker, path, scope, aliases)
        facts = frozenset({(name, True), (f"{name} is None", False)})
        outcome = self._passing.walk(tracker, path, scope, State(phase, False, frozenset({name}), facts))
        after = {state.phase for how, paths in outcome.exits.items() if how is not Exit.RAISE for state in paths}
        return tracker, frozenset(after)

    # ---------------------------------------------------------------------------------------------- dependencies
    def held_before(self, path: str, scope: int, session: Function) -> Origin | None:
        """A dependency of the function has run a statement on the session of `session`, and left it open."""
        functions = [given.dependency for given in self.parameters.of(path, scope) if given.dependency is not None]
        functions.extend(self.parameters.route_dependencies(path, scope))
        found = [self._left_by(function, session, 0) for function in functions if function != session]
        return next((origin for origin in found if origin is not None), None)

    def session_dependencies(self, path: str, scope: int) -> dict[Function, Given]:
        """The functions that yield a session to the function or to one of its dependencies, at any depth.

        The session of a dependency that only returns it is not among them: nobody knows who ends it.
        """
        found: dict[Function, Given] = {}
        self._collect(path, scope, found, 0)
        return found

    def _collect(self, path: str, scope: int, found: dict[Function, Given], depth: int) -> None:
        if depth > _DEEPEST:
            return
        for given in self.parameters.of(path, scope):
            if given.dependency is None:
                continue
            home = self._resolver.scope(given.dependency.path, given.dependency.scope)
            if given.handle is not None and home.is_generator and not given.once_used:
                found.setdefault(given.dependency, given)
            self._collect(given.dependency.path, given.dependency.scope, found, depth + 1)
        for function in self.parameters.route_dependencies(path, scope):
            self._collect(function.path, function.scope, found, depth + 1)

    def _left_by(self, function: Function, session: Function, depth: int) -> Origin | None:
        key = (function, session)
        if key not in self._after and depth <= _DEEPEST:
            self._after[key] = None
            self._after[key] = self._of_dependency(function, session, depth)
        return self._after.get(key)

    def _of_dependency(self, function: Function, session: Function, depth: int) -> Origin | None:
        """What a dependency that takes the session leaves it in; else what its own dependencies do."""
        before: Origin | None = None
        for given in self.parameters.of(function.path, function.scope):
            if given.dependency is not None and given.dependency != session:
                before = before or self._left_by(given.dependency, session, depth + 1)
        for given in self.parameters.of(function.path, function.scope):
            if given.dependency != session or given.handle is None:
                continue
            start = Phase.HELD if before is not None else Phase.OPEN
            tracker, after = self._walk(function.path, function.scope, given.name, given.handle, start)
            scope = self._resolver.scope(function.path, function.scope)
            if scope.is_generator:
                phases = [phases for op, phases in tracker.seen.leaves_in.items() if scope.ops[op].kind == "yield"]
                after = frozenset(phase for each in phases for phase in each)
            if after != {Phase.HELD}:
                return None
            return Origin(function, min(tracker.seen.takes)) if tracker.seen.takes else before
        return before
