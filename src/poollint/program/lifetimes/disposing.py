"""Engines through the paths of one function: which ways out leave its pool open that another way disposes of.

An engine is followed as sessions and connections are, with rules of its own: its pool holds connections from the first
statement on until `dispose()`, and who disposes of it in a function has to, wherever else the function puts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from poollint.facts import model
from poollint.library.model import Handle
from poollint.program.expressions import dotted, values_given
from poollint.program.flow import Flow
from poollint.program.holdings import Holdings
from poollint.program.lifetimes.aliases import Aliases
from poollint.program.lifetimes.observations import Escape
from poollint.program.lifetimes.passing import Passing
from poollint.program.lifetimes.raising import Raising
from poollint.program.lifetimes.sites import Leak
from poollint.program.lifetimes.statements import Statements
from poollint.program.lifetimes.states import LEAKING, Phase, State
from poollint.program.lifetimes.tracker import Tracker
from poollint.program.lifetimes.walk import Exit, Step
from poollint.program.loops import ancestors
from poollint.program.sites import Release
from poollint.program.storing import Storing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from poollint.program.holdings import Disposal
    from poollint.program.lifetimes.walk import Outcome
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver

_ENGINE = "sqlalchemy.engine.Engine"
_HOW = {Exit.RAISE: "raise", Exit.RETURN: "return", Exit.NEXT: "end"}


class EngineAliases(Aliases):
    """What stands for an engine: also attributes that hold it; what is built on it counts as made from it.

    `inside`: the calls that give a session, factory or connection on the engine.
    """

    def __init__(
        self,
        resolver: Resolver,
        path: str,
        scope: int,
        handle: Handle,
        acquisition: int,
        parameter: str,
        inside: frozenset[int],
    ) -> None:
        self.inside = inside
        super().__init__(resolver, path, scope, handle, acquisition, parameter)

    def denotes(self, expr: model.Expr | None, names: Collection[str]) -> bool:
        """The expression is the engine, where `names` are the variables and attributes that hold it."""
        if isinstance(expr, model.Attr) and dotted(expr) in names:
            return True
        return super().denotes(expr, names)

    def is_rooted(self, expr: model.Expr | None) -> bool:
        """A connection, session or factory on the engine, or what one of them gives."""
        if isinstance(expr, model.CallRef) and expr.index in self.inside:
            return True
        return super().is_rooted(expr)


class EngineTracker(Tracker):
    """Follows an engine. It stays this function's to dispose of, wherever else it goes."""

    aliases: EngineAliases

    def _method(self, index: int, call: model.Call, method: str, state: State) -> Step[State]:
        """A connection that cannot be made leaves nothing in the pool."""
        step = super()._method(index, call, method, state)
        return Step(step.after, (state,)) if method in self.handle.takes else step

    def _argument(self, index: int, call: model.Call, state: State) -> Step[State]:
        """What is built on a factory of the engine, as `scoped_session(sessionmaker(engine))`, connects no more."""
        if index in self.aliases.inside and not self._is_release_given(call, state):
            return Step((state,))
        return super()._argument(index, call, state)

    def _is_release_given(self, call: model.Call, state: State) -> bool:
        return any(self.aliases.is_release_method(value, state.names) for value in values_given(call))

    def _passed(self, index: int, call: model.Call, slots: list[int | str], state: State) -> Step[State]:
        if index in self.aliases.inside:
            return Step((state,))
        return super()._passed(index, call, slots, state)

    def _gone(self, how: Escape, line: int, state: State) -> Step[State]:
        """Something that is given `engine.dispose` calls it; what is given the engine uses it."""
        self.seen.escaped(how, line)
        if how is Escape.MANAGED:
            if self.aliases.acquisition < 0:
                return Step((state._replace(phase=Phase.CLOSED),))
            return Step((state._replace(managed=True),))
        if how is Escape.CAPTURED:
            return Step((state,))
        held = state._replace(phase=Phase.HELD)
        return Step((held,), (held,))

    def _escapes_by(self, op: model.Op) -> bool:
        return False

    def _stored(self, op: model.Op, target: model.Expr, state: State) -> State:
        text = dotted(target)
        if isinstance(target, model.Name) and not self.is_kept(text):
            return super()._stored(op, target, state)
        return state._replace(names=state.names | {text}) if text else state

    def is_kept(self, name: str) -> bool:
        """The variable or attribute outlives the function."""
        return "." in name or name in self._scope.globals or name in self._scope.nonlocals

    def is_left(self, how: Exit, state: State) -> bool:
        """The pool stays open at this exit, and on a normal one nothing that outlives the function holds it."""
        if state.phase not in LEAKING or state.managed:
            return False
        return how is Exit.RAISE or not any(self.is_kept(name) for name in state.names)


class EnginePassing(Passing):
    """What calls do with an engine that they are passed."""

    def tracker(
        self,
        path: str,
        scope: int,
        handle: Handle,
        acquisition: int = -1,
        parameter: str = "",
        starts: Phase = Phase.OPEN,
    ) -> EngineTracker:
        """The transfer function for an engine that a function is given."""
        holdings = Holdings(self._resolver, path, scope, Flow(names={parameter}))
        Storing(holdings).settle()
        return self.engine_tracker(holdings, handle, acquisition, parameter)

    def engine_tracker(self, holdings: Holdings, handle: Handle, acquisition: int, parameter: str) -> EngineTracker:
        """The transfer function for an engine of which it is known where the scope keeps it."""
        inside = frozenset(holdings.inside)
        aliases = EngineAliases(
            self._resolver, holdings.path, holdings.scope_index, handle, acquisition, parameter, inside
        )
        return self.tracker_of(EngineTracker, holdings.path, holdings.scope_index, aliases)


class Disposing:
    """Judges the disposals that were found in a function, path by path."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._passing = EnginePassing(resolver, mentions, Raising(resolver), Statements(resolver))
        methods = cast("Mapping[str, list[str]]", resolver.library.facts.get("engine_methods", {}))
        takes, closes, same, quiet = (tuple(methods.get(name, ())) for name in ("takes", "closes", "same", "quiet"))
        self._handle = Handle(_ENGINE, "engine", takes=takes, closes=closes, same=same, quiet=quiet)

    def judge(self, holdings: Holdings, acquisition: int, attribute: str = "") -> None:
        """Set `release`, `leaks` and `dispose_span` of a flow with disposals.

        `acquisition` is the call that makes the engine; -1 where the scope reads it from `attribute` ("self.engine").
        """
        flow = holdings.flow
        first = min(flow.disposals, key=lambda each: (not each.certain, _after_failure(holdings, each), each.span))
        flow.dispose_span = first.span
        if any(each.of_container or _is_clean_up(holdings, each.block) for each in flow.disposals):
            flow.release = Release.ALWAYS if first.certain else Release.HAPPY_PATH
            return
        tracker = self._passing.engine_tracker(holdings, self._handle, acquisition, attribute)
        start = State(Phase.ABSENT) if acquisition >= 0 else State(Phase.HELD, names=frozenset({attribute}))
        outcome = self._passing.walk(tracker, holdings.path, holdings.scope_index, start)
        flow.leaks = _leaks(tracker, outcome)
        flow.release = self._release(holdings, outcome)

    def is_replaced(self, path: str, scope: int, name: str) -> bool:
        """Every path that disposes of the engine in the variable or attribute `name` puts another one there."""
        holdings = Holdings(self._resolver, path, scope, Flow(names={name}))
        tracker = self._passing.engine_tracker(holdings, self._handle, -1, name)
        outcome = self._passing.walk(tracker, path, scope, State(Phase.HELD, names=frozenset({name})))
        ends = [state for how in (Exit.NEXT, Exit.RETURN) for state in outcome.exits.get(how, {})]
        disposed = [state for state in ends if state.phase is Phase.CLOSED]
        return bool(disposed) and not any(state.names for state in disposed)

    def _release(self, holdings: Holdings, outcome: Outcome[State]) -> Release:
        leaks = holdings.flow.leaks
        normal = [state for how in (Exit.NEXT, Exit.RETURN) for state in outcome.exits.get(how, {})]
        if any(state.phase is Phase.GONE for state in normal):
            return Release.NEVER  # It is returned: whoever gets it decides.
        if any(leak.how != "raise" for leak in leaks):
            if all(_after_failure(holdings, each) for each in holdings.flow.disposals):
                return Release.NEVER
        if normal and not any(state.phase is Phase.CLOSED or state.managed for state in normal):
            return Release.NEVER
        return Release.HAPPY_PATH if leaks else Release.ALWAYS


def _leaks(tracker: EngineTracker, outcome: Outcome[State]) -> tuple[Leak, ...]:
    found = {
        Leak("lost" if state.phase is Phase.LOST else _HOW[how], reason.line)
        for how, paths in outcome.exits.items()
        for state, reason in paths.items()
        if how in _HOW and tracker.is_left(how, state)
    }
    return tuple(sorted(found, key=lambda leak: (leak.line, leak.how)))


def _is_clean_up(holdings: Holdings, block: int) -> bool:
    """`finally: if own: engine.dispose()`: the condition says whose engine it is, more often than a path can tell."""
    kinds = [holdings.scope.blocks[each].kind for each in ancestors(holdings.scope, block)]
    return "finally" in kinds and any(kind in ("if", "else") for kind in kinds[: kinds.index("finally")])


def _after_failure(holdings: Holdings, disposal: Disposal) -> bool:
    """It stands in a handler that the engine was not made in."""
    scope = holdings.scope
    made = {each for index in holdings.engines for each in ancestors(scope, holdings.facts.calls[index].block)}
    around = ancestors(scope, disposal.block)
    return any(scope.blocks[each].kind == "except" and each not in made for each in around)
