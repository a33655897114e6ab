"""From the sessions of a program to the places at which they are held for too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from poollint.program import spans
from poollint.program.alternatives import exclude
from poollint.program.expressions import spelled
from poollint.program.graph import Run
from poollint.program.holding.ambient import Ambient
from poollint.program.holding.built import BuiltOn
from poollint.program.holding.given import GivenSessions
from poollint.program.holding.loops import endless_loops
from poollint.program.holding.parameters import Parameters
from poollint.program.holding.sites import HeldBy, HeldSite
from poollint.program.holding.slow import Slow, Wait
from poollint.program.holding.streaming import Kept, StreamingHolds
from poollint.program.holding.streams import Streams
from poollint.program.holding.waiting import Waiting, is_held
from poollint.program.lifetimes.observations import Escape
from poollint.program.lifetimes.states import Phase
from poollint.program.loops import is_inside
from poollint.program.sites import Frequency, Span, Step, Times
from poollint.program.values import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.injected import Injected
    from poollint.program.lifetimes.analysis import Lifetimes
    from poollint.program.lifetimes.making import Making
    from poollint.program.lifetimes.observations import Observations
    from poollint.program.names import Resolver
    from poollint.program.places import Places

NEAREST = 1
"""A function that is given a session waits itself, or in a helper that it calls. Through more, every function with such
a parameter and all that it calls would have to be read (airflow: 270 files, and no finding)."""
_UNKNOWN = Frequency(Times.NEVER, False)


class Held(Struct, frozen=True):
    """A site before its frequency is known, and the scope around it."""

    scope: int
    site: HeldSite


class Holdings:
    """Builds `HeldSite`s."""

    def __init__(
        self,
        resolver: Resolver,
        callers: Callers,
        frequencies: Frequencies,
        places: Places,
        lifetimes: Lifetimes,
    ) -> None:
        self._resolver = resolver
        self._frequencies = frequencies
        self._places = places
        self._lifetimes = lifetimes
        self._slow = Slow(resolver)
        self._parameters = Parameters(resolver)
        self._given = GivenSessions(resolver, lifetimes.passing, self._parameters)
        self._ambient = Ambient(resolver, callers.mentions, lifetimes.passing, self._slow)
        self._waiting = Waiting(resolver, self._slow, self._given, self._ambient)
        self._built_on = BuiltOn(resolver)
        self._streams = Streams(resolver, callers.mentions, self._slow)
        self._streaming = StreamingHolds(resolver, self._given, self._ambient, self._streams)

    # ---------------------------------------------------------------------------------------------- finding
    def find(self, makings: list[Making], injected: Injected) -> list[Held]:
        """The places, without their frequencies; `makings`: the calls that make sessions and connections."""
        found: list[Held] = []
        for making in makings:
            if not making.maker.refcounted and not making.shared:
                found.extend(self._guarded(making.path, self._of_making(making)))
        for path in sorted({*injected.paths, *self._slow.waiting_files()} if injected.sessions else ()):
            names = self._slow.texts(path, injected.words, injected.sessions)
            if names:
                found.extend(self._guarded(path, self._of_signatures(path, names)))
        registry = self._ambient.files()
        for path in self._slow.near(registry):
            found.extend(self._guarded(path, self._of_ambient(path)))
        if injected.paths or registry:
            files = injected.paths or registry
            kept = self._streaming.find(bool(registry))
            found.extend(self._guarded(files[0], (self._kept(each) for each in kept)))
        return self._without_branches(_without_repetition(found))

    def _without_branches(self, found: list[Held]) -> list[Held]:
        """One site for the same wait in branches that exclude each other; the first one names the others."""
        kept: list[Held] = []
        for held in found:
            first = next((n for n, other in enumerate(kept) if self._is_other_branch(other, held)), -1)
            if first < 0:
                kept.append(held)
                continue
            step = Step(held.site.span, f"{held.site.spelled}() waits in another branch")
            site = kept[first].site
            kept[first] = replace(kept[first], site=replace(site, steps=(*site.steps, step)))
        return kept

    def _is_other_branch(self, one: Held, other: Held) -> bool:
        """Two slow calls alike while the same session is held, of which a run of the function makes one."""
        if one.scope != other.scope or not _are_alike(one.site, other.site):
            return False
        facts = self._resolver.facts(one.site.span.path)
        first = next(spans.calls_at(facts, one.site.span), None)
        second = next(spans.calls_at(facts, other.site.span), None)
        return first is not None and second is not None and exclude(facts, first, second)

    def _guarded(self, path: str, places: Iterator[Held]) -> list[Held]:
        """What could be found; a failure is noted, and the rest stands."""
        found: list[Held] = []
        try:
            found.extend(places)
        except Exception as error:
            self._resolver.project.failed(path, 1, error)
        return found

    def _of_making(self, making: Making) -> Iterator[Held]:
        path = making.path
        call = self._resolver.call(path, making.call)
        scope = self._resolver.scope(path, call.scope)
        holder = spelled(call.func, self._resolver.facts(path)).removesuffix("()") + "()"
        others = [index for index in scope.calls if index != making.call]
        if scope.kind == "function" and any(self._slow.of_call(path, index) for index in others):
            tracker, _ = self._lifetimes.walked(making)
            for wait in self._waiting.of_handle(tracker, path, call.scope):
                if wait.calls[0][1] != making.call:
                    held = self._waits(wait, path, call.scope, holder, tracker.seen)
                    yield replace(held, site=replace(held.site, acquired=spans.of(path, call)))
        if scope.is_generator:
            yield from self._of_generator(making, holder)
        for loop in endless_loops(self._resolver, path, call.scope):
            if not is_inside(scope, call.block, loop) and self._lives_through(making, loop):
                yield Held(call.scope, self._site(path, making.call, HeldBy.LOOP, holder))

    def _lives_through(self, making: Making, loop: int) -> bool:
        """Statements run on it in the loop, and no way round it commits, rolls back or closes."""
        tracker, _ = self._lifetimes.walked(making)
        scope = self._resolver.scope(making.path, self._resolver.call(making.path, making.call).scope)
        block = scope.blocks[loop]
        seen = tracker.seen
        if any(block.line <= line <= block.end_line for line in (*seen.commits, *seen.rollbacks, *seen.closes)):
            return False
        return not seen.escapes and any(block.line <= line <= block.end_line for line in seen.takes)

    def _of_generator(self, making: Making, holder: str) -> Iterator[Held]:
        path = making.path
        scope_index = self._resolver.call(path, making.call).scope
        if self._lifetimes.generator_kind(path, scope_index) != "generator":
            return
        tracker, _ = self._lifetimes.walked(making)
        scope = self._resolver.scope(path, scope_index)
        if Escape.YIELDED in tracker.seen.escapes or self._built_on.is_yielded(path, scope_index, tracker.aliases):
            return
        for number, phases in sorted(tracker.seen.leaves_in.items()):
            op = scope.ops[number]
            if op.kind == "yield" and is_held(phases):
                span = spans.of_line(path, op.line)
                site = HeldSite(
                    span, op.line, scope.qualname, _UNKNOWN, HeldBy.GENERATOR, "yield", holder,
                    since=_since(tracker.seen, op.line),
                )  # fmt: skip
                yield Held(scope_index, self._placed(site))
                return

    def _of_signatures(self, path: str, names: frozenset[str]) -> Iterator[Held]:
        facts = self._resolver.project.facts(path)
        for number, scope in enumerate(facts.scopes if facts is not None else ()):
            if scope.kind != "function" or scope.name not in names:
                continue
            for given in self._parameters.sessions(path, number):
                assert given.handle is not None
                if self._slow.of_function(Function(path, number), NEAREST) is None:
                    break
                before = None
                if given.dependency is not None:
                    before = self._given.held_before(path, number, given.dependency)
                start = Phase.HELD if before is not None else Phase.OPEN
                tracker = self._given.walked(path, number, given.name, given.handle, start)
                for wait in self._waiting.of_handle(tracker, path, number):
                    yield self._waits(wait, path, number, given.name, tracker.seen)

    def _of_ambient(self, path: str) -> Iterator[Held]:
        facts = self._resolver.project.facts(path)
        for number, scope in enumerate(facts.scopes if facts is not None else ()):
            function = Function(path, number)
            if scope.kind != "function" or self._slow.of_function(function, NEAREST) is None:
                continue
            if self._ambient.touches(function, 2):
                for wait in self._waiting.of_ambient(path, number):
                    seen = self._ambient.walked(path, number, Phase.OPEN)[0].seen
                    yield self._waits(wait, path, number, "the scoped session", seen)

    # ---------------------------------------------------------------------------------------------- sites
    def nodes(self, held: Held) -> list[Node]:
        """The nodes whose frequencies the site needs."""
        return [Run(held.site.span.path, held.scope)]

    def site(self, held: Held) -> HeldSite:
        """The finished site."""
        node = Run(held.site.span.path, held.scope)
        frequency = self._frequencies.of(node)
        once = frequency.known and frequency.times <= Times.ONCE
        site = replace(held.site, frequency=frequency, one_shot_script=held.scope != 0 and once)
        if site.how is HeldBy.GENERATOR:
            return replace(site, streamed=Function(node.path, node.scope) in self._streams.bodies())
        return site

    def _waits(self, wait: Wait, path: str, scope: int, holder: str, seen: Observations) -> Held:
        site = self._site(path, wait.calls[0][1], HeldBy.SLOW_CALL, holder)
        steps = []
        for home, index in wait.calls[1:]:
            call = self._resolver.call(home, index)
            text = f"{spelled(call.func, self._resolver.facts(home))}() is called here"
            steps.append(Step(spans.of(home, call), text))
        name = wait.name if len(wait.calls) > 1 else ""
        since = _since(seen, site.span.line)
        return Held(scope, replace(site, waits_for=name, since=since, steps=tuple(steps)))

    def _kept(self, kept: Kept) -> Held:
        path, scope = kept.function.path, kept.function.scope
        site = replace(
            self._site(path, kept.streaming.call, HeldBy.STREAM, kept.holder), by_dependency=kept.by_dependency
        )
        steps = []
        since = 0
        if kept.since is not None:
            home, _, line = kept.since
            since = line if home == path and kept.since[1] == scope else 0
            steps.append(Step(spans.of_line(home, line), "this statement takes the connection"))
        for home, index in kept.streaming.calls[1:]:
            call = self._resolver.call(home, index)
            text = f"{spelled(call.func, self._resolver.facts(home))}() makes the response"
            steps.append(Step(spans.of(home, call), text))
        return Held(scope, replace(site, since=since, steps=tuple(steps)))

    def _site(self, path: str, index: int, how: HeldBy, holder: str) -> HeldSite:
        facts = self._resolver.facts(path)
        call = facts.calls[index]
        return self._placed(
            HeldSite(
                span=spans.of(path, call),
                chunk_line=call.line,
                symbol=facts.scopes[call.scope].qualname,
                frequency=_UNKNOWN,
                how=how,
                spelled=spelled(call.func, facts),
                holder=holder,
            )
        )

    def _placed(self, site: HeldSite) -> HeldSite:
        path = site.span.path
        return replace(site, in_test=self._places.is_test(path), in_migration=self._places.is_migration(path))


def _since(seen: Observations, line: int) -> int:
    """The line of the last statement before the place that takes the connection; else, in a loop, of the last one."""
    takes = seen.checkouts or seen.takes
    return max((take for take in takes if take < line), default=max(takes, default=0))


def _are_alike(one: HeldSite, other: HeldSite) -> bool:
    """All that is said of them is the same, but for the place."""
    if one.how is not HeldBy.SLOW_CALL or one.span.path != other.span.path:
        return False
    ours = (one.how, one.spelled, one.holder, one.since, one.waits_for)
    return ours == (other.how, other.spelled, other.holder, other.since, other.waits_for)


def _without_repetition(found: list[Held]) -> list[Held]:
    """One site for each place; a slow call that is reported itself is not reported for those who lead to it."""
    direct = {held.site.span for held in found if held.site.how is HeldBy.SLOW_CALL}
    kept: dict[tuple[Span, HeldBy], Held] = {}
    for held in found:
        if held.site.how is HeldBy.SLOW_CALL and any(step.span in direct for step in held.site.steps):
            continue
        kept.setdefault((held.site.span, held.site.how), held)
    return sorted(kept.values(), key=lambda held: (held.site.span, held.site.how.value))
