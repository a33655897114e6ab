"""The loop around an engine: which one repeats it, and whether what it makes differs from turn to turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import depends_on, names_bound, values_given
from poollint.program.loops import ancestors, repeating_loop
from poollint.program.sites import Loop

if TYPE_CHECKING:
    from poollint.facts.model import Call, ModuleFacts, Scope

_LONGEST_CHAIN = 3


def loop_around(path: str, facts: ModuleFacts, call: Call, stored: bool) -> Loop | None:
    """The loop that repeats a call, or None; `stored`: what the call gives outlives the turn of the loop."""
    scope = facts.scopes[call.scope]
    block = repeating_loop(facts, scope, call.block)
    if block is None:
        return None
    loop = scope.blocks[block]
    names = _loop_names(facts, scope, block)
    depends = any(depends_on(facts, each, names) for each in values_given(call))
    return Loop(spans.of_line(path, loop.line), loop.kind, depends, stored)


def _loop_names(facts: ModuleFacts, scope: Scope, block: int) -> set[str]:
    """The loop variables and what is computed from them inside the loop."""
    names = names_bound(scope.blocks[block].target)
    for _ in range(_LONGEST_CHAIN):
        for op in scope.ops:
            if op.value is not None and op.kind in ("bind", "for", "with") and block in ancestors(scope, op.block):
                if depends_on(facts, op.value, names):
                    names |= names_bound(op.target)
    return names
