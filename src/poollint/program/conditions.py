"""Callers that pass a parameter, or leave it out: a guard on a parameter makes only some of the calls count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import is_falsy
from poollint.program.graph import Construct
from poollint.program.values import ClassValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.graph import Node, Source
    from poollint.program.names import Resolver
    from poollint.program.sites import Span


def sources_that_count(resolver: Resolver, node: Node, sources: Iterable[Source]) -> tuple[Source, ...]:
    """Those of the node's sources that leave out the parameter `node.without`, or ("+name") that pass it."""
    name = node.without.removeprefix("+")
    wanted = node.without.startswith("+")
    slot = _slot(resolver, node, name)
    found = []
    for source in sources:
        if not source.is_call and isinstance(source.caller, Construct):
            found.append(replace(source, caller=replace(source.caller, without=node.without)))
        elif (source.is_call and _passes(resolver, source.span, name, slot)) == wanted:
            found.append(source)
    return tuple(found)


def _slot(resolver: Resolver, node: Node, name: str) -> int:
    """The position of a parameter as a caller counts, or -1."""
    path, scope = node.path, node.scope
    if isinstance(node, Construct):
        method = resolver.classes.method(ClassValue(path, scope), "__init__")
        if method is None:
            return -1
        path, scope = method[0].path, method[1]
    positional = [each.name for each in resolver.scope(path, scope).parameters if each.kind == "positional"]
    taken = 1 if resolver.defining_class(path, scope) is not None else 0
    return positional.index(name) - taken if name in positional else -1


def _passes(resolver: Resolver, span: Span, name: str, slot: int) -> bool:
    """The call at this place gives the parameter a value other than None or False."""
    facts = resolver.project.facts(span.path)
    index = next(spans.calls_at(facts, span), None) if facts is not None else None
    if facts is None or index is None:
        return False
    call = facts.calls[index]
    given = dict(call.keywords).get(name)
    if given is None and 0 <= slot < len(call.args):
        given = call.args[slot]
    return given is not None and not is_falsy(given)
