"""One search for what runs a target: what it has found, and where it has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.program.graph import Node, Source
    from poollint.program.values import ClassValue, Function, Value

MOST_STEPS = 400


class Frame(Struct, frozen=True):
    """The search went into a function through a call of the file at `path` (`call` is -1: through a decorator)."""

    function: Function
    path: str
    call: int


class Trail(Struct):
    """The search for the runners of one target.

    `referenced`: something mentions the target. `hops`: how far the search is from the target's own name.
    `decorating`: the target is followed into a decorator of its own; `keeper` is the class of that decorator where it
    is an object. `virtual`: the target is followed from a lookup that it only overrides. `item`: the variable that
    the object was made by which the target is looked up on. `frames`: the functions that it was passed into, outermost
    first. `keys`: the texts that are given beside it where it is registered ("order" of `subscribe("order", save)`).
    """

    target: Value
    node: Node
    sources: list[Source] = []
    referenced: bool = False
    hops: int = 0
    decorating: bool = False
    keeper: ClassValue | None = None
    virtual: bool = False
    item: str = ""
    frames: list[Frame] = []
    keys: set[str] = set()
    _seen: set[object] = set()

    def first(self, key: object) -> bool:
        """True the first time a place is met, while the search is small enough to go on."""
        if key in self._seen or len(self._seen) >= MOST_STEPS:
            return False
        self._seen.add(key)
        return True
