"""From the files that can make handles to sites: every making walked through the function that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import dotted, is_call, spelled
from poollint.program.graph import Construct, Run
from poollint.program.lifetimes import lazy, plain_rows, sharing
from poollint.program.lifetimes.autocommit import Autocommit
from poollint.program.lifetimes.exits import ExitMethods, SkippedClose
from poollint.program.lifetimes.making import MARKERS, Making, Makings
from poollint.program.lifetimes.objects import KeptByObject, Objects
from poollint.program.lifetimes.passing import CONTEXT_MANAGERS, Passing
from poollint.program.lifetimes.raising import Raising
from poollint.program.lifetimes.readers import readers_of
from poollint.program.lifetimes.sites import HandleSite, Leak, Readers
from poollint.program.lifetimes.statements import Statements
from poollint.program.lifetimes.states import LEAKING, Phase, State
from poollint.program.lifetimes.walk import Exit
from poollint.program.sites import Frequency, Span, Times

if TYPE_CHECKING:
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.lifetimes.observations import Observations
    from poollint.program.lifetimes.tracker import Tracker
    from poollint.program.lifetimes.walk import Outcome
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_HOW = {Exit.RAISE: "raise", Exit.RETURN: "return", Exit.NEXT: "end"}
_SPEAKING = (b"sqlalchemy", b"sqlmodel", b"ngine")
_NOT_ASKED = Frequency(Times.ONCE, False)
_FIXTURES = frozenset({"pytest.fixture", "pytest_asyncio.fixture", "pytest.yield_fixture"})


class Lifetimes:
    """Builds `HandleSite`s."""

    def __init__(self, resolver: Resolver, callers: Callers, frequencies: Frequencies, places: Places) -> None:
        self._resolver = resolver
        self._callers = callers
        self._frequencies = frequencies
        self._places = places
        self._statements = Statements(resolver)
        self._passing = Passing(resolver, callers.mentions, Raising(resolver), self._statements)
        self._autocommit = Autocommit(resolver)
        self._objects = Objects(resolver, callers)
        self._kept: dict[tuple[str, int], KeptByObject | None] = {}
        self._makings = Makings(resolver, callers.mentions, self._passing)

    @property
    def passing(self) -> Passing:
        """What calls do with the handles that they are passed."""
        return self._passing

    def walked(self, making: Making) -> tuple[Tracker, Outcome[State]]:
        """The handle followed through the scope that makes it."""
        return self._makings.walked(making)

    def generator_kind(self, path: str, scope: int) -> str:
        """ "context manager", "dependency", "fixture" or "generator"; "" for a function that is none."""
        return self._generator(path, scope)

    @property
    def makers(self) -> Makings:
        """What finds the calls that make handles."""
        return self._makings

    def makings(self) -> list[Making]:
        """The calls that make handles, in order."""
        return self._makings.of(self._files())

    def _files(self) -> list[str]:
        """Files that may make a handle by a library's own name, and speak of an engine or of the library."""
        project = self._resolver.project
        wanted = (*MARKERS, b"Session(", b"sessionmaker", b"scoped_session", b"create_session")
        return [path for path in project.containing(wanted) if any(word in project.data(path) for word in _SPEAKING)]

    def nodes(self, making: Making) -> list[Node]:
        """The nodes whose frequencies the site needs: none where there is nothing to say about it."""
        kept = self._kept_by_object(making)
        if kept is not None:
            return [Construct(kept.cls.path, kept.cls.scope)]
        if not self._is_at_stake(making):
            return []
        return [Run(making.path, self._resolver.call(making.path, making.call).scope)]

    def _kept_by_object(self, making: Making) -> KeptByObject | None:
        key = (making.path, making.call)
        if key not in self._kept:
            self._kept[key] = self._objects.keeping(making, self._makings.walked(making)[0].seen)
        return self._kept[key]

    def _is_at_stake(self, making: Making) -> bool:
        """Some rule may speak of it: a path leaves the connection out, or a change is never committed."""
        _, outcome = self._makings.walked(making)
        scope = self._resolver.call(making.path, making.call).scope
        return bool(_leaks(outcome, self._resolver.scope(making.path, scope)))

    def line(self, making: Making) -> int:
        """The line of the call."""
        return self._resolver.call(making.path, making.call).line

    def site(self, making: Making) -> HandleSite:
        """The finished site."""
        path, index = making.path, making.call
        facts = self._resolver.facts(path)
        call = facts.calls[index]
        tracker, outcome = self._makings.walked(making)
        seen = tracker.seen
        nodes = self.nodes(making)
        frequency = self._frequencies.of(nodes[0]) if nodes else _NOT_ASKED
        unread = self._unread(making, tracker)
        site = HandleSite(
            span=spans.of(path, call),
            chunk_line=call.line,
            kind=making.handle.kind,
            factory=making.fqn,
            spelled=spelled(call.func, facts),
            symbol=facts.scopes[call.scope].qualname,
            frequency=frequency,
            name=self._name(path, call.scope, index),
            is_async=".asyncio." in making.maker.makes or tracker.aliases.is_awaited(),
            context=making.maker.context,
            registry=making.shared,
            refcounted=making.maker.refcounted,
            chained=self._is_chained(path, index),
            entered=self._is_entered(path, call.scope, index),
            leaks=_leaks(outcome, facts.scopes[call.scope]),
            takes=tuple(sorted(seen.takes)),
            writes=tuple(sorted(seen.writes)),
            commits=tuple(sorted(seen.commits)),
            rollbacks=tuple(sorted(seen.rollbacks)),
            closes=tuple(sorted(seen.closes)),
            escapes=frozenset(seen.escapes),
            used_after_close=self._after_close(path, seen),
            through=self._through(making),
            in_test=self._places.is_test(path) or self._is_fixture(path, call.scope),
            in_migration=self._places.is_migration(path),
            one_shot_script=call.scope != 0 and _is_once(frequency),
            at_module_level=call.scope == 0,
            hinted=making.hinted,
            shared=sharing.shared(facts, index),
            script=sharing.is_script(facts, index),
            unread_results=unread,
            readers=readers_of(self._resolver, self._callers, path, call.scope) if unread else Readers.UNKNOWN,
            autocommit=self._autocommit.of(path, index, tracker.aliases),
            forgotten=seen.forgotten,
            schema_only=bool(seen.writes) and seen.writes == seen.schema_writes,
            generator=self._generator(path, call.scope),
            yields=tuple(op.line for op in facts.scopes[call.scope].ops if op.kind == "yield"),
            proxy=making.maker.registry or making.maker.proxy,
            certain=self._is_certain(making),
            plain=self._plain(making, tracker),
            own_calls=self._own_calls(making, tracker),
        )
        kept = self._kept_by_object(making)
        return site if kept is None else _dropped(site, kept)

    def exit_sites(self) -> list[HandleSite]:
        """The handles whose close an exit method skips when its commit fails."""
        return [self._exit_site(skipped) for skipped in ExitMethods(self._resolver, self._passing).skipped()]

    def _exit_site(self, skipped: SkippedClose) -> HandleSite:
        path = skipped.path
        facts = self._resolver.facts(path)
        call = facts.calls[skipped.call]
        return HandleSite(
            span=spans.of(path, call),
            chunk_line=call.line,
            kind=skipped.handle.kind,
            factory="",
            spelled=skipped.receiver,
            symbol=facts.scopes[skipped.scope].qualname,
            frequency=_NOT_ASKED,
            name=skipped.receiver,
            leaks=(Leak("raise", call.line),),
            takes=(call.line,),
            closes=skipped.closes,
            exit_method=True,
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
        )

    # ---------------------------------------------------------------------------------------------- details
    def _name(self, path: str, scope: int, index: int) -> str:
        for op in self._resolver.scope(path, scope).ops:
            if op.target is not None and is_call(op.value, index):
                return dotted(op.target)
        return ""

    def _is_entered(self, path: str, scope: int, index: int) -> bool:
        """`with engine.raw_connection()`: a with block enters the handle itself."""
        entered = (op.value for op in self._resolver.scope(path, scope).ops if op.kind == "with")
        return any(isinstance(value, model.CallRef) and value.index == index for value in entered)

    def _is_chained(self, path: str, index: int) -> bool:
        """`Session().query(...)`: nothing names the handle."""
        call = self._resolver.call(path, index)
        return call.outer >= 0 and call.role == "func"

    def _after_close(self, path: str, seen: Observations) -> tuple[Span, ...]:
        """Statements on a handle that every path reaches closed."""
        calls = self._resolver.facts(path).calls
        return tuple(
            spans.of(path, calls[index])
            for index in sorted(seen.used_after_close)
            if seen.phases_at.get(index) == {Phase.CLOSED}
        )

    def _unread(self, making: Making, tracker: Tracker) -> tuple[Span, ...]:
        """Results that leave the function while the handle is closed behind them."""
        path = making.path
        facts = self._resolver.facts(path)
        scope = facts.scopes[facts.calls[making.call].scope]
        closes = frozenset(tracker.seen.closes)
        found = []
        for op in scope.ops:
            index, closed = tracker.seen.unread_results.get(op.line, (-1, False))
            if op.kind != "return" or index < 0 or facts.calls[index].awaited:
                continue
            if not closed and not lazy.closed_by_finally(scope, op.block, closes):
                continue
            word = self._statements.word(path, facts.calls[index].scope, facts.calls[index])
            if word == "select" or not (word or making.maker.context):
                value = op.value
                found.append(
                    spans.of(path, facts.calls[value.index])
                    if isinstance(value, model.CallRef)
                    else spans.of_line(path, op.line)
                )
        return tuple(found)

    def _is_certain(self, making: Making) -> bool:
        """The type of what is called is known, and where it is a function of the program, each way out gives it."""
        return not making.hinted and (making.factory is None or self._makings.always_gives(making.factory))

    def _plain(self, making: Making, tracker: Tracker) -> tuple[Span, ...]:
        """The calls whose rows hold no objects; asked for sessions that nothing closes on some path."""
        path, seen = making.path, tracker.seen
        if not seen.takes or making.shared:
            return ()
        scope = self._resolver.call(path, making.call).scope
        calls = list(plain_rows.frames(self._resolver, path, scope, tracker.aliases))
        if making.handle.kind == "session":
            calls += plain_rows.plain_calls(self._resolver, path, scope, tracker.aliases)
        return tuple(spans.of(path, call) for call in calls)

    def _own_calls(self, making: Making, tracker: Tracker) -> tuple[Span, ...]:
        if not tracker.seen.takes or making.shared:
            return ()
        scope = self._resolver.call(making.path, making.call).scope
        calls = plain_rows.own_calls(self._resolver, making.path, scope, tracker.aliases)
        return tuple(spans.of(making.path, call) for call in calls)

    def _through(self, making: Making) -> tuple[Span, ...]:
        if making.factory is None:
            return ()
        scope = self._resolver.scope(making.factory.path, making.factory.scope)
        return (spans.of_definition(making.factory.path, scope),)

    def _is_fixture(self, path: str, scope: int) -> bool:
        """A fixture of pytest, also in a plugin: a test that fails does not raise at its `yield`."""
        return not _FIXTURES.isdisjoint(self._resolver.decorator_names(path, scope))

    def _generator(self, path: str, scope_index: int) -> str:
        scope = self._resolver.scope(path, scope_index)
        if not scope.is_generator:
            return ""
        names = self._resolver.decorator_names(path, scope_index)
        if not CONTEXT_MANAGERS.isdisjoint(names):
            return "context manager"
        if self._is_fixture(path, scope_index):
            return "fixture"
        if any(source.kind == "dependency" for source in self._callers.sources(Run(path, scope_index))):
            return "dependency"
        return "generator"


def _leaks(outcome: Outcome[State], scope: model.Scope) -> tuple[Leak, ...]:
    found = set()
    for how, paths in outcome.exits.items():
        for state, reason in paths.items():
            if state.phase in LEAKING and how in _HOW:
                found.add(Leak("lost" if state.phase is Phase.LOST else _HOW[how], reason.line))
    return tuple(sorted(found, key=lambda leak: (leak.line, leak.how)))


def _dropped(site: HandleSite, kept: KeptByObject) -> HandleSite:
    """The site with what becomes of the object, where many of them are made one after the other."""
    if not site.frequency.known or site.frequency.times < Times.PER_THREAD:
        return site
    leaks = (Leak("kept", kept.takes[-1]),)
    return replace(site, leaks=leaks, takes=kept.takes, escapes=frozenset(), kept_by_object=True)


def _is_once(frequency: Frequency) -> bool:
    return frequency.known and frequency.times <= Times.ONCE
