"""Runs a transfer function over a scope: all paths, with exceptions, `finally`, loops and early exits.

The walk follows the structure of the source and carries sets of states, so that each state keeps the path it stands
for apart from the others. There are never more than `MOST_STATES` for long (`Transfer.narrowed`, `Transfer.widened`),
so loops reach a fixpoint.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from poollint.facts import model

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from poollint.program.lifetimes.sequence import Part, Sequence

S = TypeVar("S", bound="Hashable")

MOST_STATES = 64
_MOST_ROUNDS = 20
_BLOCK_EXITS = ("break", "continue")


class Exit(str, Enum):
    """How control leaves a piece of code."""

    NEXT = "next"
    RETURN = "return"
    RAISE = "raise"
    BREAK = "break"
    CONTINUE = "continue"


class Reason(NamedTuple):
    """Where a path left, and what made it leave: the call that raised, as (line, call index)."""

    line: int
    call: int = -1


class Step(Struct, Generic[S]):
    """What one event makes of a state: the states after it, and those in which it raises."""

    # A generic NamedTuple needs CPython 3.11.
    after: tuple[S, ...]
    raising: tuple[S, ...] = ()


class Transfer(Protocol[S]):
    """What the events of a scope do to a state."""

    def call(self, index: int, state: S) -> Step[S]:
        """A call is made; its arguments have been evaluated."""

    def operation(self, index: int, state: S) -> Step[S]:
        """An operation ends; its calls have been made."""

    def assume(self, test: model.Expr, truth: bool, state: S) -> tuple[S, ...]:
        """The states in which `test` has that truth value."""

    def leave(self, block: int, how: Exit, state: S) -> S:
        """A `with` block is left."""

    def swallows(self, block: int) -> bool:
        """The context manager of a `with` block hides exceptions."""

    def catches(self, block: int) -> bool:
        """An `except` block catches every exception that counts."""

    def is_begun(self, state: S) -> bool:
        """What is followed exists: in a handler that is entered so, clean-up is what counts."""

    def narrowed(self, state: S) -> S:
        """The state without what tells paths apart and does not matter for what is followed."""

    def widened(self, state: S) -> S:
        """The state without what only tells paths apart."""


Paths = dict[S, Reason]


class Outcome(Generic[S]):
    """The states in which control leaves, by kind of exit; each with the first place where that happens."""

    __slots__ = ("exits",)

    def __init__(self) -> None:
        self.exits: dict[Exit, dict[S, Reason]] = {}

    def add(self, how: Exit, states: Iterable[S], reason: Reason) -> None:
        """More states that leave at one place."""
        known = self.exits.setdefault(how, {})
        for state in states:
            known[state] = min(known[state], reason) if state in known else reason

    def merge(self, other: Outcome[S], without: frozenset[Exit] = frozenset()) -> None:
        """The exits of another piece of code, but for these kinds."""
        for how, paths in other.exits.items():
            if how not in without:
                for state, reason in paths.items():
                    self.add(how, (state,), reason)

    def take(self, how: Exit) -> dict[S, Reason]:
        """Remove the exits of a kind, and give them back."""
        return self.exits.pop(how, {})


class Walk(Generic[S]):
    """One run over a scope."""

    def __init__(self, sequence: Sequence, transfer: Transfer[S]) -> None:
        self._sequence = sequence
        self._scope = sequence.scope
        self._calls = sequence.facts.calls
        self._transfer = transfer

    def run(self, state: S) -> Outcome[S]:
        """All exits of the scope, entered in this state; NEXT is falling off its end."""
        return self._block(0, {state: Reason(self._scope.line)})

    # ---------------------------------------------------------------------------------------------- statements
    def _block(self, block: int, states: Paths[S]) -> Outcome[S]:
        outcome: Outcome[S] = Outcome()
        for part in self._sequence.parts(block):
            if not states:
                break
            result = self._part(part, self._bounded(states))
            states = result.take(Exit.NEXT)
            outcome.merge(result)
        if states:
            found = self._scope.blocks[block]
            how = Exit(found.exit) if found.exit in _BLOCK_EXITS else Exit.NEXT
            for state in states:
                outcome.add(how, (state,), Reason(found.end_line))
        return outcome

    def _bounded(self, states: Paths[S]) -> Paths[S]:
        for joined in (self._transfer.narrowed, self._transfer.widened):
            if len(states) <= MOST_STATES:
                break
            outcome: Outcome[S] = Outcome()
            for state, reason in states.items():
                outcome.add(Exit.NEXT, (joined(state),), reason)
            states = outcome.take(Exit.NEXT)
        return states

    def _part(self, part: Part, states: Paths[S]) -> Outcome[S]:
        if part.op >= 0:
            return self._operation(part.op, states)
        kind = self._scope.blocks[part.blocks[0]].kind
        if kind == "if":
            return self._if(part.blocks, states)
        if kind in ("for", "while"):
            return self._loop(part.blocks, states)
        if kind == "try":
            return self._try(part.blocks, states)
        if kind == "with":
            return self._with(part.blocks[0], states)
        return self._match(part.blocks, states)

    def _operation(self, index: int, states: Paths[S]) -> Outcome[S]:
        op = self._scope.ops[index]
        outcome = self._evaluated(self._sequence.calls_of_op(index), states)
        for state in outcome.take(Exit.NEXT):
            step = self._transfer.operation(index, state)
            if step.raising:
                outcome.add(Exit.RAISE, step.raising, Reason(op.line))
            how = Exit.RETURN if op.kind == "return" else Exit.RAISE if op.kind == "raise" else Exit.NEXT
            outcome.add(how, step.after, Reason(op.line))
        return outcome

    def _evaluated(self, calls: Iterable[int], states: Paths[S]) -> Outcome[S]:
        outcome: Outcome[S] = Outcome()
        for index in calls:
            after: dict[S, Reason] = {}
            for state, reason in states.items():
                step = self._transfer.call(index, state)
                if step.raising:
                    outcome.add(Exit.RAISE, step.raising, Reason(self._calls[index].line, index))
                for each in step.after:
                    after[each] = min(after[each], reason) if each in after else reason
            states = after
        if states:
            outcome.exits[Exit.NEXT] = dict(states)
        return outcome

    def _if(self, blocks: tuple[int, ...], states: Paths[S]) -> Outcome[S]:
        test = self._scope.blocks[blocks[0]].test
        outcome = self._evaluated(self._sequence.calls_of_test(test), states)
        tested = outcome.take(Exit.NEXT)
        outcome.merge(self._block(blocks[0], self._assumed(test, True, tested)))
        otherwise = self._assumed(test, False, tested)
        if len(blocks) > 1:
            outcome.merge(self._block(blocks[1], otherwise))
        else:
            for state, reason in otherwise.items():
                outcome.add(Exit.NEXT, (state,), reason)
        return outcome

    def _assumed(self, test: model.Expr | None, truth: bool, states: Paths[S]) -> Paths[S]:
        if test is None:
            return states
        if isinstance(test, model.Const) and not test.kind:
            return states if bool(test.value) is truth else {}
        found: Outcome[S] = Outcome()
        for state, reason in states.items():
            found.add(Exit.NEXT, self._transfer.assume(test, truth, state), reason)
        return found.take(Exit.NEXT)

    def _loop(self, blocks: tuple[int, ...], states: Paths[S]) -> Outcome[S]:
        block = self._scope.blocks[blocks[0]]
        outcome: Outcome[S] = Outcome()
        head = dict(states)
        pending = head
        leaving: Paths[S] = {}
        for _ in range(_MOST_ROUNDS):
            if not pending:
                break
            test = block.test if block.kind == "while" else None
            tested = self._evaluated(self._sequence.calls_of_test(test), pending)
            ready = tested.take(Exit.NEXT)
            outcome.merge(tested)
            leaving.update(self._assumed(test, False, ready))
            body = self._block(blocks[0], self._assumed(test, True, ready))
            again = {**body.take(Exit.CONTINUE), **body.take(Exit.NEXT)}
            for state, reason in body.take(Exit.BREAK).items():
                outcome.add(Exit.NEXT, (state,), reason)
            outcome.merge(body)
            pending = {state: reason for state, reason in self._bounded(again).items() if state not in head}
            head.update(pending)
        if len(blocks) > 1:
            outcome.merge(self._block(blocks[1], leaving))
        else:
            for state, reason in leaving.items():
                outcome.add(Exit.NEXT, (state,), reason)
        return outcome

    def _with(self, index: int, states: Paths[S]) -> Outcome[S]:
        body = self._block(index, states)
        entering = self._entering(index)
        outcome: Outcome[S] = Outcome()
        for how, paths in body.exits.items():
            for state, reason in paths.items():
                entered = how is not Exit.RAISE or reason.call not in entering
                left = self._transfer.leave(index, how, state) if entered else state
                swallowed = how is Exit.RAISE and entered and self._transfer.swallows(index)
                outcome.add(Exit.NEXT if swallowed else how, (left,), reason)
        return outcome

    def _entering(self, index: int) -> frozenset[int]:
        """The calls that make the context manager: when one of them raises, the block was not entered."""
        parts = self._sequence.parts(index)
        first = parts[0].op if parts else -1
        if first < 0 or self._scope.ops[first].kind != "with":
            return frozenset()
        return frozenset(self._sequence.calls_of_op(first))

    def _try(self, blocks: tuple[int, ...], states: Paths[S]) -> Outcome[S]:
        kinds = {self._scope.blocks[index].kind: index for index in blocks}
        outcome = self._block(blocks[0], states)
        raised = outcome.take(Exit.RAISE)
        if "try-else" in kinds:
            outcome.merge(self._block(kinds["try-else"], outcome.take(Exit.NEXT)))
        handlers = [index for index in blocks if self._scope.blocks[index].kind == "except"]
        begun = {state: reason for state, reason in raised.items() if handlers and self._transfer.is_begun(state)}
        others = {state: reason for state, reason in raised.items() if state not in begun}
        for index in handlers:
            outcome.merge(_as_if_finished(self._block(index, begun)))
            outcome.merge(self._block(index, others))
        if not any(self._transfer.catches(index) for index in handlers):
            for state, reason in raised.items():
                outcome.add(Exit.RAISE, (state,), reason)
        return self._finally(kinds["finally"], outcome) if "finally" in kinds else outcome

    def _finally(self, block: int, before: Outcome[S]) -> Outcome[S]:
        outcome: Outcome[S] = Outcome()
        for how, paths in before.exits.items():
            for state, reason in paths.items():
                result = _as_if_finished(self._block(block, {state: reason}))
                for after in result.take(Exit.NEXT):
                    outcome.add(how, (after,), reason)
                outcome.merge(result)
        return outcome

    def _match(self, blocks: tuple[int, ...], states: Paths[S]) -> Outcome[S]:
        subject = self._scope.blocks[blocks[0]].test
        outcome = self._evaluated(self._sequence.calls_of_test(subject), states)
        ready = dict(outcome.exits.get(Exit.NEXT, {}))
        for index in blocks:
            outcome.merge(self._block(index, ready))
        return outcome


def _as_if_finished(outcome: Outcome[S]) -> Outcome[S]:
    """A clean-up block with its failing calls taken to have gone on: what they skip is not worth a finding.

    A `raise` statement stands, and so does a failure where the block has no other way out.
    """
    raised = outcome.exits.get(Exit.RAISE, {})
    failing = [reason for reason in raised.values() if reason.call >= 0]
    finished = {
        state for how, paths in outcome.exits.items() for state, reason in paths.items() if reason not in failing
    }
    if not failing or not finished:
        return outcome
    kept = {state: reason for state, reason in outcome.take(Exit.RAISE).items() if reason.call < 0}
    for state, reason in kept.items():
        outcome.add(Exit.RAISE, (state,), reason)
    for state in finished:
        outcome.add(Exit.RAISE, (state,), min(failing))
    return outcome
