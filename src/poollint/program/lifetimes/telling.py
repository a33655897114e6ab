"""Which conditions decide what becomes of a handle: where there are too many paths, these are still told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, targets_in
from poollint.program.loops import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.lifetimes.aliases import Aliases
    from poollint.program.lifetimes.conditions import Facts


def telling_places(scope: model.Scope, calls: list[model.Call], aliases: Aliases) -> frozenset[str]:
    """The variables and attributes tested around a place that makes the handle, names it, or calls a method of it."""
    blocks = {
        around
        for block in _blocks_at_stake(scope, calls, aliases)
        for around in ancestors(scope, block)
        if scope.blocks[around].kind in ("if", "else", "while")
    }
    tests = (scope.blocks[block].test for block in blocks)
    return frozenset(aliases.names).union(*(_places(test) for test in tests if test is not None))


def facts_about(places: frozenset[str], facts: Facts) -> Facts:
    """Those of the facts that speak of one of the places."""
    return frozenset(fact for fact in facts if fact[0].split(" ", 1)[0] in places)


def _blocks_at_stake(scope: model.Scope, calls: list[model.Call], aliases: Aliases) -> Iterator[int]:
    for index in scope.calls:
        func = calls[index].func
        on_it = isinstance(func, model.Attr) and aliases.denotes(func.value, aliases.names)
        if on_it or index == aliases.acquisition:
            yield calls[index].block
    for op in scope.ops:
        targets = targets_in(op.target) if op.target is not None else ()
        if any(isinstance(target, model.Name) and target.id in aliases.names for target in targets):
            yield op.block


def _places(test: model.Expr) -> set[str]:
    if isinstance(test, model.Bool):
        return set().union(*map(_places, test.items))
    if isinstance(test, model.Not):
        return _places(test.value)
    if isinstance(test, model.Compare):
        return _places(test.left)
    text = dotted(test) if isinstance(test, (model.Name, model.Attr)) else ""
    return {text} if text else set()
