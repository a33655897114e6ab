"""The transfer function for one handle: what each call and operation of a function does to its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, targets_in
from poollint.program.lifetimes import conditions
from poollint.program.lifetimes.instead import is_other, ways
from poollint.program.lifetimes.lazy import executing_call
from poollint.program.lifetimes.observations import Escape, Observations
from poollint.program.lifetimes.states import Phase, State
from poollint.program.lifetimes.telling import facts_about, telling_places
from poollint.program.lifetimes.walk import Exit, Step
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.lifetimes.aliases import Aliases
    from poollint.program.lifetimes.passing import Passing
    from poollint.program.lifetimes.raising import Raising
    from poollint.program.lifetimes.statements import Statements
    from poollint.program.names import Resolver

_TRANSACTION_ENDS = frozenset({"commit", "rollback", "close"})
_EXITS = frozenset({"__exit__", "__aexit__"})
_CURSOR_EXECUTES = frozenset({"execute", "executemany"})
_SWALLOWING = frozenset({"contextlib.suppress", "pytest.raises"})


class Tracker:
    """Follows one handle through one scope. `starts` is the phase in which its call leaves it."""

    def __init__(
        self,
        resolver: Resolver,
        path: str,
        scope: int,
        aliases: Aliases,
        raising: Raising,
        passing: Passing,
        statements: Statements,
        starts: Phase = Phase.OPEN,
    ) -> None:
        self._resolver = resolver
        self._path = path
        self._scope_index = scope
        self._scope = resolver.scope(path, scope)
        self._calls = resolver.facts(path).calls
        self.aliases = aliases
        self.handle = aliases.handle
        self._raising = raising
        self._passing = passing
        self._statements = statements
        self._starts = starts
        self.seen = Observations()
        self._apart: set[tuple[int, frozenset[str]]] = set()
        """Calls that have nothing to do with a handle of these names."""
        self._telling: frozenset[str] | None = None

    # ---------------------------------------------------------------------------------------------- calls
    def call(self, index: int, state: State) -> Step[State]:
        """A call is made."""
        if index == self.aliases.acquisition:
            made, spared = ways(self._scope, self._calls[index], index, state.facts)
            step = self._acquired(state._replace(facts=made)) if made is not None else Step(())
            return step if spared is None else Step((*step.after, state._replace(facts=spared)), step.raising)
        self.seen.reached(index, state)
        if not state.alive and state.phase is not Phase.CLOSED:
            return self._unrelated(index, state)
        call = self._calls[index]
        names = state.names
        if (index, names) in self._apart:
            return self._unrelated(index, state)
        if isinstance(call.func, model.Attr):
            if self.aliases.denotes(call.func.value, names):
                return self._method(index, call, call.func.attr, state)
            kind = self.aliases.transaction(call.func.value, names)
            if kind and call.func.attr in _TRANSACTION_ENDS:
                return self._transaction_ended(call, call.func.attr, kind, state)
            if self.aliases.is_rooted(call.func.value):
                return self._result_used(call, call.func.attr, (call.func.value,), state)
        return self._argument(index, call, state)

    def _acquired(self, state: State) -> Step[State]:
        if self.aliases.proxies and state.alive:
            return Step((state,), (state,))  # A registry gives the same session again.
        fresh = State(self._starts, False, self.aliases.proxies, state.facts)
        if state.phase is Phase.HELD and state.names and not state.managed:
            return Step((fresh, state._replace(phase=Phase.LOST)), (state,))
        return Step((fresh,), (state,))

    def _unrelated(self, index: int, state: State) -> Step[State]:
        return Step((state,), (state,) if self._raising.can_raise(self._path, index) else ())

    def _method(self, index: int, call: model.Call, method: str, state: State) -> Step[State]:
        handle, line = self.handle, call.line
        if method in handle.closes or method in _EXITS:
            self.seen.closes.add(line)
            if method in handle.commits_first:
                self.seen.commits.add(line)
            return Step((state._replace(phase=Phase.CLOSED, written=False),))
        if method in handle.rolls_back:
            self.seen.rollbacks.add(line)
            return Step((self._ended(state),))
        if method in handle.commits:
            self.seen.commits.add(line)
            if state.phase is Phase.CLOSED:
                self.seen.used_after_close.setdefault(index, set()).add(state.phase)
            fails = state.phase is Phase.HELD or state.written
            return Step((self._ended(state),), (state._replace(phase=Phase.HELD),) if fails else ())
        if method in handle.same or method in handle.quiet:
            return self._quiet(call, method, state)
        if method in handle.begins:
            return Step(self._taken(call, state).after)
        if state.phase is Phase.CLOSED:
            self.seen.used_after_close.setdefault(index, set()).add(state.phase)
        writes = method in handle.writes or (
            method in handle.executes and self._statements.writes(self._path, self._scope_index, call)
        )
        return self._taken(call, state, writes)

    def _ended(self, state: State) -> State:
        phase = Phase.IDLE if state.phase is not Phase.CLOSED else Phase.CLOSED
        return state._replace(phase=phase, written=False)

    def _quiet(self, call: model.Call, method: str, state: State) -> Step[State]:
        if method in self.handle.forgets:
            self.seen.forgotten = True
            return Step((state._replace(written=False),))
        if method not in self.handle.writes:
            return Step((state,))
        self.seen.writes.add(call.line)
        return Step((state._replace(written=True),))

    def _taken(self, call: model.Call, state: State, writes: bool = False, surely: bool = True) -> Step[State]:
        """A statement runs (`surely`, or rows may be read again): the connection is out, also when that fails."""
        self.seen.takes.add(call.line)
        if state.phase is not Phase.HELD and surely:
            self.seen.checkouts.add(call.line)
        if writes:
            self.seen.writes.add(call.line)
            if self._statements.is_schema_only(self._path, self._scope_index, call):
                self.seen.schema_writes.add(call.line)
        after = state._replace(phase=Phase.HELD, written=state.written or writes)
        return Step((after,), (after,))

    def _result_used(self, call: model.Call, method: str, used: Iterable[model.Expr], state: State) -> Step[State]:
        """A query runs, a cursor executes. Rows of a closed handle are data; a session without any has run none."""
        if state.phase is Phase.CLOSED:
            return Step((state,), (state,))
        runs = self.handle.kind != "session" or any(self.aliases.may_run_later(each) for each in used)
        if state.phase is Phase.OPEN and not runs:
            return Step((state,), (state,))
        writes = method in _CURSOR_EXECUTES and self._statements.writes(self._path, self._scope_index, call)
        return self._taken(call, state, writes, surely=runs)

    def _transaction_ended(self, call: model.Call, method: str, kind: str, state: State) -> Step[State]:
        if kind == "nested":
            return Step((state,), (state,))
        lines = self.seen.commits if method == "commit" else self.seen.rollbacks
        lines.add(call.line)
        return Step((self._ended(state),), (state,) if method == "commit" else ())

    def _argument(self, index: int, call: model.Call, state: State) -> Step[State]:
        """A call that is passed the handle, something that holds it, or its close method."""
        names = state.names
        given: list[tuple[int | str, model.Expr]] = list(enumerate(call.args))
        given.extend((keyword or "**", value) for keyword, value in call.keywords)
        slots = [slot for slot, value in given if self.aliases.denotes(value, names)]
        if self.aliases.is_closing(model.CallRef(index), names) or self.aliases.denotes(model.CallRef(index), names):
            return Step((state,))
        if any(self.aliases.is_release_method(value, names) for _, value in given):
            return self._gone(Escape.MANAGED, call.line, state)
        if slots:
            return self._passed(index, call, slots, state)
        if any(self._holds(value, names) for _, value in given):
            return self._gone(Escape.PASSED, call.line, state)
        rooted = [value for _, value in given if self.aliases.is_rooted(value)]
        if rooted:
            return self._result_used(call, "", rooted, state)
        self._apart.add((index, names))
        return self._unrelated(index, state)

    def _holds(self, value: model.Expr, names: frozenset[str]) -> bool:
        if isinstance(value, model.Lambda):
            return self._captures(value.scope, names)
        if isinstance(value, (model.Items, model.Mapping, model.Comprehension)):
            return self.aliases.mentions(value, names)
        return False

    def _passed(self, index: int, call: model.Call, slots: list[int | str], state: State) -> Step[State]:
        effect = self._passing.effect(self._path, index, slots[0], state.phase)
        if effect is None:
            return self._gone(Escape.PASSED, call.line, state)
        for name in ("commits", "rollbacks", "closes", "takes", "writes"):
            if name in effect.does:
                getattr(self.seen, name).add(call.line)
        if "takes" in effect.does and state.phase is not Phase.HELD:
            self.seen.checkouts.add(call.line)
        after = tuple(state._replace(phase=phase, written=written) for phase, written in sorted(effect.after))
        raising = tuple(state._replace(phase=phase) for phase in sorted(effect.raising))
        return Step(after or (state,), raising)

    def _gone(self, how: Escape, line: int, state: State) -> Step[State]:
        self.seen.escaped(how, line)
        return Step((state._replace(phase=Phase.GONE),), (state,))

    # ---------------------------------------------------------------------------------------------- operations
    def operation(self, index: int, state: State) -> Step[State]:
        """An operation ends."""
        op = self._scope.ops[index]
        if op.kind in ("return", "yield"):
            self.seen.left(index, state)
        if op.kind in ("bind", "with", "for", "aug"):
            return Step(self._bound(op, state))
        if op.kind == "return":
            return Step((self._returned(op, state),))
        if op.kind == "yield":
            return self._yielded(op, state)
        if op.kind == "delete" and isinstance(op.target, model.Name):
            return Step((self._unnamed(state, op.target.id),))
        if op.kind == "def" and state.alive and self._captures(op.scope, state.names):
            return self._gone(Escape.CAPTURED, op.line, state)
        return Step((state,))

    def _bound(self, op: model.Op, state: State) -> tuple[State, ...]:
        names = state.names
        is_handle = op.kind != "for" and self.aliases.denotes(op.value, names)
        if op.kind == "with" and not is_handle:
            is_handle = self.aliases.is_closing(op.value, names)
        if op.kind == "with" and is_handle and state.alive and not isinstance(op.value, model.Attr):
            state = state._replace(managed=True)
        if op.target is None:
            return (state,)
        targets = list(targets_in(op.target))
        if is_handle and state.phase not in (Phase.ABSENT, Phase.GONE, Phase.LOST):
            for target in targets:
                state = self._stored(op, target, state)
            return (state,)
        if state.alive and self._escapes_by(op):
            self.seen.escaped(Escape.STORED, op.line)
            return (state._replace(phase=Phase.GONE),)
        states: tuple[State, ...] = (state,)
        for target in targets:
            text = dotted(target)
            if text:
                states = tuple(self._known(after, text, op) for after in self._split(states, text, op))
        return states

    def _escapes_by(self, op: model.Op) -> bool:
        """The handle is put into a display that something names, or its close method is kept."""
        if isinstance(op.value, (model.Items, model.Mapping, model.Comprehension)):
            return self.aliases.mentions(op.value, self.aliases.names)
        return self.aliases.is_release_method(op.value, self.aliases.names)

    def _split(self, states: tuple[State, ...], text: str, op: model.Op) -> list[State]:
        whole = isinstance(op.target, (model.Name, model.Attr)) and op.kind == "bind"
        value = op.value if whole else None
        return [state._replace(facts=facts) for state in states for facts in conditions.given(state.facts, text, value)]

    def _known(self, state: State, text: str, op: model.Op) -> State:
        return self._unnamed(state, text) if op.kind != "aug" else state

    def _stored(self, op: model.Op, target: model.Expr, state: State) -> State:
        if isinstance(target, model.Name) and target.id not in self._scope.globals:
            facts = conditions.without(state.facts, target.id) | {(target.id, True), (f"{target.id} is None", False)}
            if target.id not in self._scope.nonlocals:
                return state._replace(names=state.names | {target.id}, facts=facts)
        if isinstance(target, model.Attr):
            self.seen.attributes.add(target.attr)
        self.seen.escaped(Escape.STORED, op.line)
        return state._replace(phase=Phase.GONE)

    def _unnamed(self, state: State, name: str) -> State:
        """The variable holds something else now; a handle that nothing names any more cannot be given back."""
        if name not in state.names:
            return state
        names = state.names - {name}
        if names or not state.alive or state.managed:
            return state._replace(names=names)
        return state._replace(names=names, phase=Phase.LOST if state.phase is Phase.HELD else Phase.ABSENT)

    def _returned(self, op: model.Op, state: State) -> State:
        if state.managed or state.phase is not Phase.ABSENT:
            self._note_unread(op, state)
        if not state.alive:
            return state
        if self.aliases.denotes(op.value, state.names):
            self.seen.returned_in.add(state.phase)
            self.seen.escaped(Escape.RETURNED, op.line)
            return state._replace(phase=Phase.GONE)
        if self._is_inside(op.value, state):
            self.seen.escaped(Escape.RETURNED_INSIDE, op.line)
            return state._replace(phase=Phase.GONE)
        return state

    def _note_unread(self, op: model.Op, state: State) -> None:
        """A result that needs the handle leaves, and the handle is closed."""
        index = executing_call(op.value, self.aliases, self._calls, self._scope)
        if index >= 0:
            closed = state.managed or state.phase is Phase.CLOSED
            self.seen.unread_results[op.line] = (
                index,
                self.seen.unread_results.get(op.line, (index, True))[1] and closed,
            )

    def _is_inside(self, value: model.Expr | None, state: State) -> bool:
        if isinstance(value, model.Lambda):
            return self._captures(value.scope, state.names)
        if self.aliases.is_release_method(value, state.names):
            return True
        if isinstance(value, (model.Items, model.Mapping, model.Comprehension, model.Conditional)):
            return self.aliases.mentions(value, state.names)
        return False

    def _yielded(self, op: model.Op, state: State) -> Step[State]:
        """The consumer may stop here, or throw into the generator; it uses a handle that it is given."""
        if not state.alive:
            return Step((state,), (state,))
        if self.aliases.mentions(op.value, state.names):
            self.seen.escaped(Escape.YIELDED, op.line)
            state = state._replace(phase=Phase.HELD)
        return Step((state,), (state,))

    def _captures(self, scope: int, names: frozenset[str]) -> bool:
        """A nested function mentions the handle."""
        facts = self._resolver.facts(self._path)
        nested = facts.scopes[scope]
        own = {parameter.name for parameter in nested.parameters}
        wanted = names - own
        if not wanted:
            return False
        references = self._passing.mentions.references(self._path)
        if references is None:
            return False
        for name in wanted:
            for reference in references.of(name):
                current = reference.position.scope
                while current >= 0 and current != self._scope_index:
                    if current == scope:
                        return True
                    current = facts.scopes[current].parent
        return False

    # ---------------------------------------------------------------------------------------------- structure
    def assume(self, test: model.Expr, truth: bool, state: State) -> tuple[State, ...]:
        """The states in which a condition holds; a handle that is there is true and not None."""
        other = is_other(test, state.names) if state.alive else None
        if other is not None:
            return (state,) if other is truth else ()
        facts = conditions.assumed(test, truth, state.facts)
        return () if facts is None else (state._replace(facts=facts),)

    def leave(self, block: int, how: Exit, state: State) -> State:
        """A `with` block is left."""
        if not state.alive:
            return state
        value = self._scope.blocks[block].test
        known = self.aliases.names
        if isinstance(value, model.Attr):
            return state
        if self.aliases.is_closing(value, known) or self.aliases.denotes(value, known):
            self.seen.closes.add(self._scope.blocks[block].end_line)
            left_by = "close" if self.aliases.is_closing(value, known) else "__exit__"
            if how is not Exit.RAISE and left_by in self.handle.commits_first:
                self.seen.commits.add(self._scope.blocks[block].end_line)
            return state._replace(phase=Phase.CLOSED, written=False, managed=False)
        if self.aliases.transaction(value, known) == "begin":
            self.seen.commits.add(self._scope.blocks[block].end_line)
            return self._ended(state)
        return state

    def swallows(self, block: int) -> bool:
        """`with suppress(...)`."""
        value = self._scope.blocks[block].test
        if not isinstance(value, model.CallRef):
            return False
        callees = self._resolver.callee(self._path, value.index)
        return any(isinstance(each, External) and each.fqn in _SWALLOWING for each in callees)

    def catches(self, block: int) -> bool:
        """An `except` block for every exception that counts."""
        return self._raising.catches_all(self._path, self._scope_index, self._scope.blocks[block].test)

    def is_begun(self, state: State) -> bool:
        """The handle was made on this path."""
        return state.phase is not Phase.ABSENT

    def narrowed(self, state: State) -> State:
        """Paths are joined that are told apart only by conditions which do not decide about the handle."""
        if self._telling is None:
            self._telling = telling_places(self._scope, self._calls, self.aliases)
        return state._replace(facts=facts_about(self._telling, state.facts))

    def widened(self, state: State) -> State:
        """Paths told apart by conditions only are joined."""
        return state._replace(facts=conditions.NO_FACTS)
