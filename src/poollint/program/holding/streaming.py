"""Streaming responses that keep the session of their request for as long as the client reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.program.holding.waiting import is_held
from poollint.program.lifetimes.states import Phase
from poollint.program.loops import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.holding.ambient import Ambient
    from poollint.program.holding.given import GivenSessions, GivenTracker
    from poollint.program.holding.parameters import Given
    from poollint.program.holding.streams import Streaming, Streams
    from poollint.program.names import Resolver
    from poollint.program.values import Function


class Kept(Struct, frozen=True):
    """A streaming response, what is held until it ends, and where it took its connection: (path, scope, line).

    `by_dependency`: a dependency owns the session, and the body of the stream runs nothing on it.
    """

    function: Function
    streaming: Streaming
    holder: str
    since: tuple[str, int, int] | None
    by_dependency: bool = False


class StreamingHolds:
    """Answers for one program."""

    def __init__(self, resolver: Resolver, given: GivenSessions, ambient: Ambient, streams: Streams) -> None:
        self._resolver = resolver
        self._given = given
        self._ambient = ambient
        self._streams = streams

    def find(self, with_ambient: bool) -> Iterator[Kept]:
        """All of them; one for each call that makes a response."""
        for function in self._streams.functions():
            found: dict[int, Kept] = {}
            for kept in self._of_dependencies(function):
                found.setdefault(kept.streaming.call, kept)
            if with_ambient:
                for kept in self._of_ambient(function):
                    found.setdefault(kept.streaming.call, kept)
            yield from found.values()

    def _of_dependencies(self, function: Function) -> Iterator[Kept]:
        path, scope = function.path, function.scope
        own = {given.dependency: given for given in self._given.parameters.of(path, scope)}
        for session in self._given.session_dependencies(path, scope):
            before = self._given.held_before(path, scope, session)
            origin = (before.function.path, before.function.scope, before.line) if before is not None else None
            if session in own:
                yield from self._of_parameter(function, own[session], origin)
            elif origin is not None:
                for streaming in self._streams.of(function):
                    yield Kept(function, streaming, self._owner(function, session), origin, True)

    def _owner(self, function: Function, session: Function) -> str:
        """`Depends(get_db)`; `current_user()` where only that dependency of the function names that of the session."""
        parameters = self._given.parameters
        own = [given.dependency for given in parameters.of(function.path, function.scope)]
        own.extend(parameters.route_dependencies(function.path, function.scope))
        for each in own:
            if (
                each is not None
                and each != session
                and session in self._given.session_dependencies(each.path, each.scope)
            ):
                return f"{self._resolver.scope(each.path, each.scope).name}()"
        return f"Depends({self._resolver.scope(session.path, session.scope).name})"

    def _of_parameter(self, function: Function, given: Given, origin: tuple[str, int, int] | None) -> Iterator[Kept]:
        assert given.handle is not None
        path, scope = function.path, function.scope
        start = Phase.HELD if origin is not None else Phase.OPEN
        tracker = self._given.walked(path, scope, given.name, given.handle, start)
        for streaming in self._streams.of(function):
            if self._is_released_around(tracker, path, scope, streaming.operation):
                continue
            phases = tracker.seen.leaves_in.get(streaming.operation)
            if is_held(phases):
                lines = tracker.seen.takes
                before = self._taken_in_body(function, given, streaming) is None
                yield Kept(function, streaming, given.name, (path, scope, min(lines)) if lines else origin, before)
            elif phases is not None and phases <= {Phase.OPEN, Phase.IDLE, Phase.HELD}:
                line = self._taken_in_body(function, given, streaming)
                if line:
                    yield Kept(function, streaming, given.name, line)

    def _taken_in_body(self, function: Function, given: Given, streaming: Streaming) -> tuple[str, int, int] | None:
        """A nested generator runs a statement on the session, and yields before it is given back."""
        assert given.handle is not None
        for body in streaming.bodies:
            scope = self._resolver.scope(body.path, body.scope)
            if body.path != function.path or scope.parent != function.scope:
                continue
            if any(parameter.name == given.name for parameter in scope.parameters):
                continue
            tracker = self._given.walked(body.path, body.scope, given.name, given.handle, Phase.OPEN)
            yields = [op for op in tracker.seen.leaves_in if scope.ops[op].kind == "yield"]
            if any(is_held(tracker.seen.leaves_in[op]) for op in yields) and tracker.seen.takes:
                return (body.path, body.scope, min(tracker.seen.takes))
        return None

    def _is_released_around(self, tracker: GivenTracker, path: str, scope_index: int, operation: int) -> bool:
        """The `return` stands in a `with` that ends the transaction."""
        scope = self._resolver.scope(path, scope_index)
        names = tracker.aliases.names
        around = (scope.blocks[each] for each in ancestors(scope, scope.ops[operation].block))
        return any(
            tracker.aliases.denotes(block.test, names) or bool(tracker.aliases.transaction(block.test, names))
            for block in around
            if block.kind == "with"
        )

    def _of_ambient(self, function: Function) -> Iterator[Kept]:
        """Flask keeps the context, and with it the session, until a body with stream_with_context is finished."""
        streamings = [each for each in self._streams.of(function) if each.keeps_context]
        if not streamings:
            return
        tracker, _, _ = self._ambient.walked(function.path, function.scope, Phase.OPEN)
        for streaming in streamings:
            if is_held(tracker.seen.leaves_in.get(streaming.operation)) and tracker.seen.takes:
                since = (function.path, function.scope, min(tracker.seen.takes))
                yield Kept(function, streaming, "the scoped session", since)
