"""What was seen of a handle while its function was walked: facts for the rules that the phases alone do not tell."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.program.lifetimes.states import Phase, State


class Escape(str, Enum):
    """Where a handle goes, so that somebody else gives it back."""

    RETURNED = "returned"
    RETURNED_INSIDE = "returned inside of something else"
    YIELDED = "yielded"
    STORED = "stored"
    PASSED = "passed on"
    MANAGED = "given to something that closes it"
    CAPTURED = "captured by a function"


class Observations(Struct):
    """Lines, by what happened there. `phases_at` holds the phases in which a call was reached, `leaves_in` those in
    which a `return` or `yield` (an operation) was."""

    commits: set[int] = set()
    rollbacks: set[int] = set()
    closes: set[int] = set()
    takes: set[int] = set()
    checkouts: set[int] = set()
    """Lines of the statements that really take the connection: those before them, if any, have given it back."""
    writes: set[int] = set()
    schema_writes: set[int] = set()
    forgotten: bool = False
    escapes: dict[Escape, int] = {}
    attributes: set[str] = set()
    phases_at: dict[int, set[Phase]] = {}
    leaves_in: dict[int, set[Phase]] = {}
    used_after_close: dict[int, set[Phase]] = {}
    returned_in: set[Phase] = set()
    unread_results: dict[int, tuple[int, bool]] = {}
    """By line of the return: the call that gives the result, and whether the handle is closed on every path there."""

    def escaped(self, how: Escape, line: int) -> None:
        """Remember the first line at which the handle goes somewhere."""
        self.escapes[how] = min(line, self.escapes.get(how, line))

    def reached(self, call: int, state: State) -> None:
        """A call was reached in this state."""
        self.phases_at.setdefault(call, set()).add(state.phase)

    def left(self, operation: int, state: State) -> None:
        """A `return` or `yield` was reached in this state."""
        self.leaves_in.setdefault(operation, set()).add(state.phase)
