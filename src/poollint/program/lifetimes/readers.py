"""What the callers of a function do with what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import is_call
from poollint.program.graph import Run
from poollint.program.lifetimes.sites import Readers

if TYPE_CHECKING:
    from poollint.facts import model
    from poollint.program.callers import Callers
    from poollint.program.graph import Source
    from poollint.program.names import Resolver


def readers_of(resolver: Resolver, callers: Callers, path: str, scope: int) -> Readers:
    """What the known callers of a function do with its result."""
    sources = callers.sources(Run(path, scope))
    if not sources:
        return Readers.UNKNOWN
    return Readers.NONE if all(_drops(resolver, source) for source in sources) else Readers.KNOWN


def _drops(resolver: Resolver, source: Source) -> bool:
    """The call is a statement of its own."""
    path = source.span.path
    facts = resolver.project.facts(path)
    if not source.is_call or source.caller is None or facts is None:
        return False
    found = list(spans.calls_at(facts, source.span))
    return bool(found) and all(_is_statement(facts, index) for index in found)


def _is_statement(facts: model.ModuleFacts, index: int) -> bool:
    call = facts.calls[index]
    if call.op < 0:
        return False
    op = facts.scopes[call.scope].ops[call.op]
    return op.kind == "eval" and is_call(op.value, index)
