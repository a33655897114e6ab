"""A memory for questions that lead back to themselves: answers are remembered only when no cycle cut them short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.values import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from poollint.program.values import Value, Values

MOST_VALUES = 16
DEEPEST = 40
_NEVER_CUT = 1_000_000


class Answers:
    """The answers of one resolver."""

    def __init__(self) -> None:
        self._final: dict[Hashable, Values] = {}
        self._provisional: dict[Hashable, Values] = {}
        self._active: dict[Hashable, int] = {}
        self._cut = _NEVER_CUT

    def of(self, key: Hashable, compute: Callable[[], Iterable[Value]]) -> Values:
        """Remember the answer to `key`; a question that comes up again while it is being answered adds nothing.

        Answers found inside of such a cycle are kept for the outermost question only, unless they hold something.
        """
        found = self._final.get(key)
        if found is not None:
            return found
        found = self._provisional.get(key)
        if found is not None:
            return found
        depth = len(self._active)
        if key in self._active:
            self._cut = min(self._cut, self._active[key])
            return NOTHING
        if depth >= DEEPEST:
            self._cut = -1
            return NOTHING
        self._active[key] = depth
        try:
            result = tuple(dict.fromkeys(compute()))[:MOST_VALUES]
        finally:
            del self._active[key]
        if self._cut >= depth:
            self._final[key] = result
            self._cut = _NEVER_CUT
        else:
            self._provisional[key] = result
        if depth == 0:
            self._final.update((each, values) for each, values in self._provisional.items() if values or each == key)
            self._provisional.clear()
            self._cut = _NEVER_CUT
        return result
