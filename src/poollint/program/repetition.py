"""The loop around an engine: which one repeats it, and whether what it makes differs from turn to turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import depends_on, names_bound, values_given
from poollint.program.loops import computed_from, repeating_loop
from poollint.program.sites import Loop

if TYPE_CHECKING:
    from poollint.facts.model import ModuleFacts


def loop_around(path: str, facts: ModuleFacts, index: int, stored: bool) -> Loop | None:
    """The loop that repeats a call, or None; `stored`: what the call gives outlives the turn of the loop."""
    call = facts.calls[index]
    scope = facts.scopes[call.scope]
    block = repeating_loop(facts, scope, call.block, index)
    if block is None:
        return None
    loop = scope.blocks[block]
    names = computed_from(facts, scope, block, names_bound(loop.target))
    depends = any(depends_on(facts, each, names) for each in values_given(call))
    return Loop(spans.of_line(path, loop.line), loop.kind, depends, stored)
