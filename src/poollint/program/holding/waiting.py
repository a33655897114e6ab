"""The slow calls of a function that are reached while a session of it holds a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from poollint.program.holding.slow import Wait
from poollint.program.lifetimes.states import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.facts import model
    from poollint.program.holding.ambient import Ambient
    from poollint.program.holding.given import GivenSessions
    from poollint.program.holding.slow import Slow
    from poollint.program.lifetimes.tracker import Tracker
    from poollint.program.names import Resolver
    from poollint.program.values import Function

_MAYBE = frozenset({Phase.HELD, Phase.OPEN, Phase.ABSENT})
"""Phases that do not speak against it: no path has given the connection back, or handed the session on."""
_DEEPEST = 3


class Inner(Protocol):
    """Which call inside of a called function waits while the session is still held there."""

    def __call__(self, path: str, index: int, function: Function) -> Wait | None: ...


def is_held(phases: set[Phase] | None) -> bool:
    """The connection is out on some way to the place, and no way has given it back."""
    return phases is not None and Phase.HELD in phases and phases <= _MAYBE


class Waiting:
    """Answers for one program."""

    def __init__(self, resolver: Resolver, slow: Slow, given: GivenSessions, ambient: Ambient) -> None:
        self._resolver = resolver
        self._slow = slow
        self._given = given
        self._ambient = ambient

    def of_handle(self, tracker: Tracker, path: str, scope: int, depth: int = _DEEPEST) -> list[Wait]:
        """The waits of a walked scope, for a session with a name."""

        def inside(path: str, index: int, function: Function) -> Wait | None:
            slot = _slot(self._resolver.call(path, index), tracker)
            if slot is None:
                return self._slow.of_function(function, depth - 1)
            return self._passed_on(path, index, function, slot, tracker, depth - 1)

        return list(self._held_calls(tracker, path, scope, inside))

    def of_ambient(self, path: str, scope: int, phase: Phase = Phase.OPEN, depth: int = _DEEPEST) -> list[Wait]:
        """The waits of a scope in which the shared session holds a connection."""
        if depth < 0:
            return []
        tracker, _, _ = self._ambient.walked(path, scope, phase)

        def inside(path: str, index: int, function: Function) -> Wait | None:
            found = self.of_ambient(function.path, function.scope, Phase.HELD, depth - 1)
            return found[0] if found else None

        return list(self._held_calls(tracker, path, scope, inside))

    def _held_calls(self, tracker: Tracker, path: str, scope: int, inside: Inner) -> Iterator[Wait]:
        for index in self._resolver.scope(path, scope).calls:
            if not is_held(tracker.seen.phases_at.get(index)):
                continue
            direct = self._slow.direct(path, index)
            if direct is not None:
                yield direct
                continue
            for function in self._slow.runs(path, index):
                if self._slow.of_function(function) is None:
                    continue
                inner = inside(path, index, function)
                if inner is not None:
                    yield Wait(((path, index), *inner.calls), inner.name)

    def _passed_on(
        self, path: str, index: int, function: Function, slot: int | str, tracker: Tracker, depth: int
    ) -> Wait | None:
        """The first wait of a function that is passed the session, while it is held there."""
        scope = self._resolver.scope(function.path, function.scope)
        bound = self._resolver.defining_class(function.path, function.scope) is not None
        if isinstance(slot, int):
            positional = [each.name for each in scope.parameters if each.kind == "positional"]
            number = slot + bound
            name = positional[number] if number < len(positional) else None
        else:
            name = slot
        if name is None or depth < 0:
            return None
        inner = self._given.walked(function.path, function.scope, name, tracker.handle, Phase.HELD)
        found = self.of_handle(inner, function.path, function.scope, depth)
        return found[0] if found else None


def _slot(call: model.Call, tracker: Tracker) -> int | str | None:
    given: list[tuple[int | str, model.Expr]] = [*enumerate(call.args)]
    given.extend((keyword or "**", value) for keyword, value in call.keywords)
    return next((slot for slot, value in given if tracker.aliases.denotes(value, tracker.aliases.names)), None)
