"""The operations behind a test, and what they fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import filling
from poollint.program.expressions import dotted, targets_in
from poollint.program.loops import ancestors, last_inside
from poollint.program.tested import is_taken, same_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poollint.program.tested import Tested

_CONDITIONAL = frozenset({"if", "else", "case", "except"})


class Region:
    """The operations of a scope that lie in a block (or below it), from an operation on.

    `around`: the blocks around the place that is guarded. What is filled under a condition of its own, which the place
    does not lie under, is not always filled.
    """

    def __init__(
        self, facts: model.ModuleFacts, scope: model.Scope, block: int, first: int, around: list[int] | None = None
    ) -> None:
        self._facts = facts
        self._scope = scope
        self._around = around
        self.block = block
        self.first = first
        self._last = last_inside(scope, block)

    def _inside(self, block: int) -> bool:
        return self.block <= block <= self._last

    def _is_conditional(self, block: int) -> bool:
        if self._around is None:
            return False
        between = ancestors(self._scope, block)
        between = between[: between.index(self.block)]
        return any(each not in self._around and self._scope.blocks[each].kind in _CONDITIONAL for each in between)

    # ---------------------------------------------------------------------------------------------- filling
    def fills(self, wanted: Tested) -> bool:
        """Something here assigns the place, or puts an item into it, and nothing behind takes that out again."""
        return self._is_kept(wanted, (*self._by_operations(wanted, filling.assigned), *self._by_calls(wanted)))

    def puts_into(self, wanted: Tested) -> bool:
        """Something here puts an item into the container, as `fills` does; the variable may be bound elsewhere."""
        found = self._by_operations(wanted, filling.put_by_assignment)
        return self._is_kept(wanted, (*found, *self._by_calls(wanted)))

    def switches_off(self, wanted: Tested) -> bool:
        """Something here sets the flag to False or None, and nothing behind sets it again."""
        off = max(self._by_operations(wanted, filling.emptied), default=-1)
        return off > max(self._by_operations(wanted, filling.assigned), default=-1)

    def _by_operations(
        self, wanted: Tested, filled: Callable[[model.ModuleFacts, model.Op], Iterator[Tested]]
    ) -> Iterator[int]:
        text = dotted(wanted.place)
        for number, op in enumerate(self._scope.ops):
            if number < self.first or op.target is None or not self._inside(op.block):
                continue
            if any(_is_same(each, text, wanted) for each in filled(self._facts, op)):
                if not self._is_conditional(op.block):
                    yield number

    def _by_calls(self, wanted: Tested) -> Iterator[int]:
        text = dotted(wanted.place)
        for index in self.calls():
            call = self._facts.calls[index]
            if any(_is_same(each, text, wanted) for each in filling.put_by_call(self._facts, call)):
                if not self._is_conditional(call.block):
                    yield call.op

    def _is_kept(self, wanted: Tested, fillings: tuple[int, ...]) -> bool:
        return bool(fillings) and not self._is_emptied_behind(wanted, max(fillings))

    def _is_emptied_behind(self, wanted: Tested, last: int) -> bool:
        """The function takes out again, each time, what it has put in: the next call finds nothing."""
        text = dotted(wanted.place)
        for number, op in enumerate(self._scope.ops):
            taken = filling.emptied(self._facts, op) if number > last else ()
            if any(_is_gone(each, text, wanted) for each in taken) and self._is_always_behind(op.block):
                return True
        for index in self._scope.calls:
            call = self._facts.calls[index]
            taken = filling.emptied_by_call(self._facts, call) if call.op > last else ()
            if any(_is_gone(each, text, wanted) for each in taken) and self._is_always_behind(call.block):
                return True
        return False

    def _is_always_behind(self, block: int) -> bool:
        around = self._around or ()
        kinds = (self._scope.blocks[each].kind for each in ancestors(self._scope, block) if each not in around)
        return not any(kind in _CONDITIONAL or kind in ("for", "while", "comprehension") for kind in kinds)

    # ---------------------------------------------------------------------------------------------- contents
    def fills_locals(self) -> list[str]:
        """The bare names that are assigned here."""
        return [
            target.id
            for number, op in enumerate(self._scope.ops)
            if number >= self.first and op.target is not None and op.kind == "bind" and self._inside(op.block)
            for target in targets_in(op.target)
            if isinstance(target, model.Name)
        ]

    def calls(self) -> list[int]:
        """The calls that stand here."""
        return [
            index
            for index in self._scope.calls
            if self._facts.calls[index].op >= self.first and self._inside(self._facts.calls[index].block)
        ]


def _is_same(each: Tested, text: str, wanted: Tested) -> bool:
    return dotted(each.place) == text and same_key(each.key, wanted.key)


def _is_gone(each: Tested, text: str, wanted: Tested) -> bool:
    return dotted(each.place) == text and is_taken(each.key, wanted.key)
