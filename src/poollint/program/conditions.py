"""Callers that pass a parameter, or leave it out: a guard on a parameter makes only some of the calls count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import is_falsy
from poollint.program.flags import is_on
from poollint.program.graph import Construct
from poollint.program.values import ClassValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from poollint.program.graph import Node, Source
    from poollint.program.names import Resolver
    from poollint.program.sites import Span


def sources_that_count(resolver: Resolver, node: Node, sources: Iterable[Source]) -> tuple[Source, ...]:
    """Those of the node's sources that leave out the parameter `node.without`, pass it ("+name"), or switch it off
    ("-name")."""
    name = node.without.lstrip("+-")
    wanted = node.without.startswith(("+", "-"))
    default = is_on if node.without.startswith("-") else is_falsy
    slot = _slot(resolver, node, name)
    found = []
    for source in sources:
        if not source.is_call and isinstance(source.caller, Construct):
            found.append(replace(source, caller=replace(source.caller, without=node.without)))
        elif not source.is_call and wanted:
            # A library passes values of its own; it does not switch flags.
            if source.caller is None and not _is_flag(resolver, node, name):
                found.append(source)
        elif (source.is_call and _passes(resolver, source.span, name, slot, default)) == wanted:
            found.append(source)
    return tuple(found)


def _is_flag(resolver: Resolver, node: Node, name: str) -> bool:
    """The parameter is True, False or a container by default."""
    default = next(
        (each.default for each in resolver.scope(node.path, node.scope).parameters if each.name == name), None
    )
    return not isinstance(default, model.Const) or isinstance(default.value, bool)


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


def _passes(resolver: Resolver, span: Span, name: str, slot: int, default: Callable[[model.Expr | None], bool]) -> bool:
    """The call at this place gives the parameter a value for which `default` does not hold."""
    facts = resolver.project.facts(span.path)
    index = next(spans.calls_at(facts, span), None) if facts is not None else None
    if facts is None or index is None:
        return False
    call = facts.calls[index]
    given = dict(call.keywords).get(name)
    if given is None and 0 <= slot < len(call.args):
        given = call.args[slot]
    return given is not None and not default(given)
