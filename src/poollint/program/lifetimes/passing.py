"""What a call does with a handle that it is passed: the summary of each callee, found by walking it in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import values_given
from poollint.program.lifetimes.aliases import Aliases
from poollint.program.lifetimes.sequence import Sequence
from poollint.program.lifetimes.states import Phase, State
from poollint.program.lifetimes.tracker import Tracker
from poollint.program.lifetimes.walk import Exit, Outcome, Walk
from poollint.program.values import BoundMethod, ClassValue, External, ExternalInstance, Function, functions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poollint.library.model import Handle
    from poollint.program.lifetimes.raising import Raising
    from poollint.program.lifetimes.statements import Statements
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.values import Value

TrackerT = TypeVar("TrackerT", bound=Tracker)

DEEPEST = 12
"""Calls that a handle is followed through. A longer way is taken to keep the handle: nothing is reported."""
_NEVER = 1_000_000
CONTEXT_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
"""Decorators after which a generator function is a context manager."""


class Effect(Struct, frozen=True):
    """The phases after a call that was passed a handle, the phases in which it raises, and what it does on the way.

    `after` pairs the phase with "a change waits for its commit". `does` holds names of `Observations`.
    """

    after: frozenset[tuple[Phase, bool]]
    raising: frozenset[Phase]
    does: frozenset[str] = frozenset()


BORROWED = Effect(frozenset({(Phase.HELD, False)}), frozenset({Phase.HELD}), frozenset({"takes"}))
"""A callee that uses the handle and leaves it open."""


class Passing:
    """Summaries of one program, each made when it is first asked for."""

    def __init__(self, resolver: Resolver, mentions: Mentions, raising: Raising, statements: Statements) -> None:
        self._resolver = resolver
        self.mentions = mentions
        self._raising = raising
        self._statements = statements
        self._memo: dict[tuple[str, int, str, Phase, str], Effect | None] = {}
        self._active: dict[tuple[str, int, str, Phase, str], int] = {}
        self._cut = _NEVER
        self._sequences: dict[tuple[str, int], Sequence] = {}
        facts = resolver.library.facts
        self._borrowing = tuple(f"{name}." for name in cast("Any", facts.get("borrowing_packages", ())))
        lists = cast("Mapping[str, Any]", facts.get("cannot_raise", {}))
        self._harmless = frozenset(lists.get("functions", ()))
        self._handle: Handle | None = None

    def sequence(self, path: str, scope: int) -> Sequence:
        """The statements of a scope in order."""
        key = (path, scope)
        if key not in self._sequences:
            self._sequences[key] = Sequence(self._resolver.facts(path), self._resolver.scope(path, scope))
        return self._sequences[key]

    def tracker(
        self,
        path: str,
        scope: int,
        handle: Handle,
        acquisition: int = -1,
        parameter: str = "",
        starts: Phase = Phase.OPEN,
    ) -> Tracker:
        """The transfer function for a handle of this scope."""
        aliases = Aliases(self._resolver, path, scope, handle, acquisition, parameter)
        return self.tracker_of(Tracker, path, scope, aliases, starts)

    def tracker_of(
        self, kind: type[TrackerT], path: str, scope: int, aliases: Aliases, starts: Phase = Phase.OPEN
    ) -> TrackerT:
        """The same of a class of its own, for handles that are known in another way."""
        return kind(self._resolver, path, scope, aliases, self._raising, self, self._statements, starts)

    def walk(self, tracker: Tracker, path: str, scope: int, state: State) -> Outcome[State]:
        """All exits of the scope."""
        previous, self._handle = self._handle, tracker.handle
        try:
            return Walk(self.sequence(path, scope), tracker).run(state)
        finally:
            self._handle = previous

    # ---------------------------------------------------------------------------------------------- effects
    def effect(self, path: str, index: int, slot: int | str, phase: Phase) -> Effect | None:
        """What a call does with the handle in an argument; None when it may keep it, or nothing is known of it."""
        callees = self._resolver.callee(path, index)
        call = self._resolver.call(path, index)
        found: list[Effect] = []
        for value in callees:
            effect = self._of_callee(value, call, slot, phase)
            if effect is None:
                return None
            found.append(effect)
        if not found:
            return None
        return Effect(
            frozenset(pair for each in found for pair in each.after),
            frozenset(phase for each in found for phase in each.raising),
            frozenset(name for each in found for name in each.does),
        )

    def _of_callee(self, value: Value, call: model.Call, slot: int | str, phase: Phase) -> Effect | None:
        if isinstance(value, External):
            return self._of_external(value.fqn, phase)
        if isinstance(value, ExternalInstance):
            return BORROWED if self._resolver.library.handle_maker(f"{value.fqn}.__call__") else None
        if isinstance(value, ClassValue):
            return self._of_constructor(value, slot, phase)
        functions = functions_of(value)
        if len(functions) != 1 or not isinstance(value, (Function, BoundMethod)):
            return None
        bound = 1 if isinstance(value, BoundMethod) and not self._is_static(value.function) else 0
        return self._of_function(functions[0], slot, bound, phase, call)

    def _is_static(self, function: Function) -> bool:
        return "builtins.staticmethod" in self._resolver.decorator_names(function.path, function.scope)

    def _of_external(self, fqn: str, phase: Phase) -> Effect | None:
        if fqn in self._harmless:
            return Effect(frozenset({(phase, False)}), frozenset())
        if self._resolver.library.handle_maker(fqn) or self._resolver.library.session_factory(fqn):
            return BORROWED
        last = fqn.rpartition(".")[2]
        if fqn.startswith(self._borrowing) and not last[:1].isupper():
            return BORROWED
        return None

    def _of_constructor(self, cls: ClassValue, slot: int | str, phase: Phase) -> Effect | None:
        """An object that keeps the handle and never ends its transaction leaves it to the one who made it."""
        found = self._resolver.classes.method(cls, "__init__")
        if found is None:
            return None
        owner, scope = found
        parameter = self._parameter(owner.path, scope, slot, 1)
        if parameter is None or self._handle is None:
            return None
        attributes = self._attributes(owner.path, scope, parameter)
        if attributes is None:
            return None
        if any(self._ends(each, attributes) for each in self._resolver.classes.order(cls)):
            return None
        return Effect(frozenset({(Phase.HELD, False)}), frozenset({phase}), frozenset({"takes"}))

    def _attributes(self, path: str, scope_index: int, parameter: str) -> frozenset[str] | None:
        """The attributes of self that a constructor stores a parameter in; None when it goes elsewhere too."""
        scope = self._resolver.scope(path, scope_index)
        receiver = scope.parameters[0].name
        attributes = set()
        stored = set()
        for index, op in enumerate(scope.ops):
            if isinstance(op.value, model.Name) and op.value.id == parameter:
                target = op.target
                if not (isinstance(target, model.Attr) and isinstance(target.value, model.Name)):
                    return None
                if target.value.id != receiver:
                    return None
                attributes.add(target.attr)
                stored.add(index)
        for reference in self.mentions.of(path, parameter):
            if reference.position.scope == scope_index and reference.position.role.name == "ARGUMENT":
                return None
        return frozenset(attributes)

    def _ends(self, cls: ClassValue, attributes: frozenset[str]) -> bool:
        """Some method of the class, or a function in one, ends the transaction of what it keeps, or has it ended."""
        assert self._handle is not None
        ending = {*self._handle.closes, *self._handle.commits, *self._handle.rolls_back}
        facts = self._resolver.facts(cls.path)
        for index, call in enumerate(facts.calls):
            ended = any(_is_of(each, attributes, ending) for each in (call.func, *values_given(call)))
            if ended or any(isinstance(each, model.Attr) and each.attr in attributes for each in values_given(call)):
                if _is_in_class(facts, call.scope, cls.scope) and (ended or not self._only_borrows(cls.path, index)):
                    return True
        return False

    def _only_borrows(self, path: str, index: int) -> bool:
        """Functions of the program, or of libraries that give back what they are lent."""
        callees = self._resolver.callee(path, index)
        return bool(callees) and all(
            bool(functions_of(each))
            or (isinstance(each, External) and self._of_external(each.fqn, Phase.HELD) is not None)
            for each in callees
        )

    # ---------------------------------------------------------------------------------------------- functions
    def _parameter(self, path: str, scope: int, slot: int | str, bound: int) -> str | None:
        parameters = self._resolver.scope(path, scope).parameters
        if isinstance(slot, int):
            positional = [each for each in parameters if each.kind == "positional"]
            number = slot + bound
            return positional[number].name if number < len(positional) else None
        named = [each for each in parameters if each.name == slot and each.kind in ("positional", "keyword")]
        return named[0].name if named else None

    def _of_function(
        self, function: Function, slot: int | str, bound: int, phase: Phase, call: model.Call
    ) -> Effect | None:
        scope = self._resolver.scope(function.path, function.scope)
        parameter = self._parameter(function.path, function.scope, slot, bound)
        if parameter is None or scope.kind not in ("function", "lambda"):
            return None
        if scope.is_async and not call.awaited:
            return None
        if scope.is_generator:
            names = self._resolver.decorator_names(function.path, function.scope)
            return None if not CONTEXT_MANAGERS.isdisjoint(names) else BORROWED
        if self._handle is None:
            return None
        key = (function.path, function.scope, parameter, phase, self._handle.fqn)
        if key in self._memo:
            return self._memo[key]
        depth = len(self._active)
        if key in self._active:
            self._cut = min(self._cut, self._active[key])
            return Effect(frozenset({(phase, False)}), frozenset())
        if depth >= DEEPEST:
            self._cut = -1
            return None
        self._active[key] = depth
        try:
            effect = self._summary(function, parameter, phase)
        finally:
            del self._active[key]
        # What was cut short by a cycle or by the depth depends on where the question began: only whole answers stay.
        if self._cut >= depth or depth == 0:
            self._memo[key] = effect
            self._cut = _NEVER
        return effect

    def _summary(self, function: Function, parameter: str, phase: Phase) -> Effect | None:
        assert self._handle is not None
        path, scope = function.path, function.scope
        tracker = self.tracker(path, scope, self._handle, parameter=parameter)
        facts = frozenset({(parameter, True), (f"{parameter} is None", False)})
        outcome = self.walk(tracker, path, scope, State(phase, False, frozenset({parameter}), facts))
        after: set[tuple[Phase, bool]] = set()
        raising: set[Phase] = set()
        for how, paths in outcome.exits.items():
            for state in paths:
                left = Phase.HELD if state.phase is Phase.LOST else state.phase
                if left is Phase.GONE:
                    return None
                if how is Exit.RAISE:
                    raising.add(left)
                else:
                    after.add((left, state.written))
        does = [name for name in ("commits", "rollbacks", "closes", "takes", "writes") if getattr(tracker.seen, name)]
        return Effect(frozenset(after), frozenset(raising), frozenset(does))


def _is_of(expr: model.Expr, attributes: frozenset[str], methods: set[str]) -> bool:
    """`self.session.close`, called or passed to something that calls it."""
    kept = expr.value if isinstance(expr, model.Attr) and expr.attr in methods else None
    return isinstance(kept, model.Attr) and kept.attr in attributes


def _is_in_class(facts: model.ModuleFacts, scope: int, cls: int) -> bool:
    """The scope is a method of the class, or a function or lambda in one."""
    while scope > 0 and scope != cls:
        scope = facts.scopes[scope].parent
    return scope == cls
