"""Engines that no place outside can keep: they live for one call, and a pool is of no use to them (POL301)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.sites import Holder, Pool
from poollint.rules.engine.exemptions import (
    disposed_always,
    escapes_to_owner,
    exempt,
    known_to_run_once,
    stored_per_database,
    unreferenced_private,
)

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite

_POOLED = (Pool.DEFAULT, Pool.QUEUE)
_PER_CALL = (Holder.FUNCTION, Holder.DEPENDENCY)


def short_lived(site: EngineSite) -> bool:
    """A function makes a pooled engine for itself, and could not share it: its URL or its event loop is the call's."""
    if site.holder not in _PER_CALL or site.pool not in _POOLED or site.hidden:
        return False
    return cannot_be_shared(site) and not outlives_the_call(site) and not exempt(site)


def cannot_be_shared(site: EngineSite) -> bool:
    """The URL comes from the caller, or every call runs an event loop of its own."""
    return site.url_depends_on_parameters or (site.is_async and "new_loop" in site.frequency.contexts)


def outlives_the_call(site: EngineSite) -> bool:
    """Somebody keeps or disposes of the engine, or the code runs once or never."""
    return (
        escapes_to_owner(site)
        or disposed_always(site)
        or stored_per_database(site)
        or known_to_run_once(site)
        or unreferenced_private(site)
    )
