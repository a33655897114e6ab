"""The judgement that POL201/POL202 and POL601/POL602 share: is the connection given back, and on every path?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.lifetime.exemptions import (
    at_module_level,
    freed_by_reference_count,
    handed_over,
    in_migration,
    in_tests,
    kept_by_registry,
    never_executes,
    only_a_failing_commit,
    yields_it,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from poollint.program.lifetimes.sites import HandleSite


REASONS: tuple[Callable[[HandleSite], bool], ...] = (
    in_tests,
    in_migration,
    kept_by_registry,
    at_module_level,
    never_executes,
    freed_by_reference_count,
    yields_it,
    handed_over,
    only_a_failing_commit,
)
"""Why a handle with a leak is quiet; each is a named predicate."""


def leaking(sites: Iterable[HandleSite], kind: str) -> Iterator[HandleSite]:
    """Handles of a kind that leave their function with a connection out."""
    for site in sites:
        if site.kind == kind and site.leaks and not any(holds(site) for holds in REASONS):
            yield site


def never_given_back(site: HandleSite) -> bool:
    """Nothing on any path commits, rolls back or closes."""
    return not site.releases


def given_back_sometimes(site: HandleSite) -> bool:
    """Some path gives the connection back, and another one does not."""
    return site.releases
