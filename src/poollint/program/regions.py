"""The operations behind a test, and what they fill."""

from __future__ import annotations

from poollint.facts import model
from poollint.program.expressions import dotted, place_filled, targets_in
from poollint.program.loops import ancestors, last_inside


class Region:
    """The operations of a scope that lie in a block (or below it), from an operation on.

    `around`: the blocks around the place that is guarded. What is filled under a condition of its own, which the place
    does not lie under, is not always filled.
    """

    def __init__(self, scope: model.Scope, block: int, first: int, around: list[int] | None = None) -> None:
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
        return any(
            each not in self._around and self._scope.blocks[each].kind in ("if", "else", "case", "except")
            for each in between
        )

    def fills(self, place: model.Expr) -> bool:
        """Something here assigns the place, or an item of it."""
        text = dotted(place)
        for number, op in enumerate(self._scope.ops):
            if number < self.first or op.target is None or op.kind == "delete" or not self._inside(op.block):
                continue
            if self._is_conditional(op.block):
                continue
            if any(dotted(place_filled(target)) == text for target in targets_in(op.target)):
                return True
        return False

    def fills_locals(self) -> list[str]:
        """The bare names that are assigned here."""
        return [
            target.id
            for number, op in enumerate(self._scope.ops)
            if number >= self.first and op.target is not None and op.kind == "bind" and self._inside(op.block)
            for target in targets_in(op.target)
            if isinstance(target, model.Name)
        ]

    def calls(self, facts: model.ModuleFacts) -> list[int]:
        """The calls that stand here."""
        return [
            index
            for index in self._scope.calls
            if facts.calls[index].op >= self.first and self._inside(facts.calls[index].block)
        ]
