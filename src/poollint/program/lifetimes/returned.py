"""A memory for what functions of the program return fresh, for chains of factories that are not too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from poollint.library.model import Handle, HandleMaker
    from poollint.program.lifetimes.states import Phase

DEEPEST = 12
"""Functions that a new handle is followed out of, one through the other; as many as `passing` follows one into.

Each takes three calls of Python's stack, and what it returns is resolved on top of them. A longer chain gives nothing.
"""

Key = tuple[str, int]
"""A function: its path and the index of its scope."""


class Returned(NamedTuple):
    """The handle that a function makes and returns, and the phase that it leaves it in."""

    maker: HandleMaker
    handle: Handle
    phase: Phase


class ReturnedHandles:
    """The answers of one program."""

    def __init__(self) -> None:
        self._known: dict[Key, Returned | None] = {}
        self._passing: list[Key] = []
        self._depth = 0
        self._cut = False

    def of(self, function: Key, compute: Callable[[], Returned | None]) -> Returned | None:
        """Remember what `compute` gives; a function that is asked about while it is being looked at adds nothing.

        What is found after the depth cut a chain short is kept for the outermost question only: elsewhere the same
        function may stand nearer to the beginning of the chain.
        """
        if function in self._known:
            return self._known[function]
        if self._depth >= DEEPEST:
            self._cut = True
            return None
        self._known[function] = None
        self._depth += 1
        try:
            found = self._known[function] = compute()
        finally:
            self._depth -= 1
            if self._cut and self._depth:
                self._passing.append(function)
            if not self._depth:
                self._forget_passing()
        return found

    def _forget_passing(self) -> None:
        for each in self._passing:
            del self._known[each]
        self._passing.clear()
        self._cut = False
