"""Engines of which one run of a function makes a single one: the branches of an if, a match, a conditional."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.program.expressions import without_await
from poollint.program.loops import apart

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from poollint.facts.model import Call, ModuleFacts, Scope
    from poollint.program.acquisitions import Acquisition
    from poollint.program.names import Resolver
    from poollint.program.sites import EngineSite

_BRANCHES = frozenset({"if", "else", "case"})
_LEAVING = frozenset({"return", "raise"})


def with_alternatives(resolver: Resolver, made: Iterable[tuple[Acquisition, EngineSite]]) -> list[EngineSite]:
    """The sites; those that exclude each other and are alike in all that the rules judge know of each other."""
    alike: defaultdict[tuple[str, Hashable], list[tuple[int, EngineSite]]] = defaultdict(list)
    for acquisition, site in made:
        call = resolver.call(acquisition.path, acquisition.call)
        alike[(acquisition.path, (call.scope, *_reason(site)))].append((acquisition.call, site))
    return [site for (path, _), sites in alike.items() for site in _joined(resolver.facts(path), sites)]


def _joined(facts: ModuleFacts, sites: list[tuple[int, EngineSite]]) -> list[EngineSite]:
    groups: list[list[tuple[int, EngineSite]]] = []
    for index, site in sorted(sites, key=lambda each: each[1].span):
        for group in groups:
            if all(exclude(facts, other, index) for other, _ in group):
                group.append((index, site))
                break
        else:
            groups.append([(index, site)])
    found: list[EngineSite] = []
    for group in groups:
        spans = tuple(site.span for _, site in group) if len(group) > 1 else ()
        found.extend(replace(site, alternatives=spans) for _, site in group)
    return found


def _reason(site: EngineSite) -> tuple[Hashable, ...]:
    """All that decides about a verdict but the place, the URL and its settings."""
    return (
        site.factory,
        site.holder,
        site.frequency,
        site.escapes,
        site.pool,
        site.in_memory,
        site.never_connects,
        site.release,
        site.loop,
        site.memo,
        site.guarded_once,
        site.dead_guard,
        site.inline_into,
        site.overwritten,
    )


def exclude(facts: ModuleFacts, first: int, second: int) -> bool:
    """No run of the scope makes both calls; the first one stands before the second one."""
    one, other = facts.calls[first], facts.calls[second]
    scope = facts.scopes[one.scope]
    return _in_branches(scope, one, other) or _in_conditional(facts, scope, one, first, second)


def _in_branches(scope: Scope, one: Call, other: Call) -> bool:
    """Branches of one statement, or one that leaves the function before the other."""
    inner, parallel = apart(scope, one.block, other.block)
    if inner < 0 or scope.blocks[inner].kind not in _BRANCHES:
        return False
    branch = scope.blocks[inner]
    if parallel >= 0:
        beside = scope.blocks[parallel]
        if beside.kind in _BRANCHES and beside.group == branch.group:
            return True
    return branch.exit in _LEAVING and inner == one.block


def _in_conditional(facts: ModuleFacts, scope: Scope, one: Call, first: int, second: int) -> bool:
    """`create_engine(a) if test else create_engine(b)`."""
    if one.op < 0 or one.op != facts.calls[second].op:
        return False
    value = scope.ops[one.op].value
    found = _leaves(value)
    return first in found and second in found


def _leaves(expr: model.Expr | None) -> set[int]:
    """The calls of which a conditional expression gives one."""
    if isinstance(expr, model.Conditional):
        return _leaves(expr.body) | _leaves(expr.orelse)
    if isinstance(expr, model.Await):
        return _leaves(without_await(expr))
    return {expr.index} if isinstance(expr, model.CallRef) else set()
