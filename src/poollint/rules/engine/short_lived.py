"""Engines that nobody else can use: they live for one call or one object, and a pool is of no use to them (POL301)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.sites import Holder, Pool
from poollint.rules.engine.exemptions import (
    builder_for_callers,
    disposed_always,
    escapes_to_owner,
    exempt,
    known_to_run_once,
    runs_repeatedly,
    stored_per_database,
    unreferenced_private,
)

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite

_POOLED = (Pool.DEFAULT, Pool.QUEUE)
_PER_CALL = (Holder.FUNCTION, Holder.DEPENDENCY)


def short_lived(site: EngineSite) -> bool:
    """A function makes a pooled engine for itself, or each of many objects does, and it could not be shared."""
    if site.pool not in _POOLED or site.hidden or not cannot_be_shared(site) or exempt(site):
        return False
    if site.holder is Holder.INIT:
        return runs_repeatedly(site) and not disposed_always(site) and not stored_per_database(site)
    return site.holder in _PER_CALL and not outlives_the_call(site)


def cannot_be_shared(site: EngineSite) -> bool:
    """The URL comes from the caller, or every call runs an event loop of its own."""
    return site.url_depends_on_parameters or (site.is_async and "new_loop" in site.frequency.contexts)


def outlives_the_call(site: EngineSite) -> bool:
    """Somebody keeps or disposes of the engine, or the code runs once or never."""
    return (
        escapes_to_owner(site)
        or builder_for_callers(site)
        or disposed_always(site)
        or stored_per_database(site)
        or known_to_run_once(site)
        or unreferenced_private(site)
    )
