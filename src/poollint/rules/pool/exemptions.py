"""Why a rule about registries, factories and their misuse stays quiet: one named predicate for each reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from poollint.program.lifetimes.registry_sites import Kept
from poollint.program.pooling.sites import Storage
from poollint.program.sites import Holder, Times

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistrySite, RegistryUse
    from poollint.program.pooling.sites import PoolSite
    from poollint.program.sites import Frequency


class Placed(Protocol):
    """A record that says in what kind of code it lies."""

    @property
    def in_test(self) -> bool: ...

    @property
    def in_migration(self) -> bool: ...


def in_tests(site: Placed) -> bool:
    """The code is a test or a migration (S6, S7)."""
    return site.in_test or site.in_migration


def handed_on(site: RegistrySite) -> bool:
    """Code that nothing is known of gets the registry: an integration such as zope.sqlalchemy may remove (S9)."""
    return site.handed_on


def outlives_calls(site: RegistrySite) -> bool:
    """A module variable or an attribute of a class keeps the registry, so that threads share it."""
    return site.kept in (Kept.MODULE, Kept.CLASS)


def runs_once(frequency: Frequency) -> bool:
    """All known callers run at most once in a process (S5, S23)."""
    return frequency.known and frequency.times <= Times.PER_PROCESS


def is_repeated(frequency: Frequency) -> bool:
    """A resolved chain runs it many times, or once a thread; a guess from a name is not enough."""
    return frequency.known and frequency.times >= Times.PER_THREAD and frequency.confidence > 0


def is_concurrent(use: RegistryUse) -> bool:
    """Requests, threads, events or jobs of one process run it side by side, each with a session of its own."""
    return is_repeated(use.frequency) and use.frequency.concurrent and not use.in_test


def atomic(use: RegistryUse) -> bool:
    """A coroutine that ends its session before any other task can run."""
    return use.closes and not use.waits


def one_for_all(pool: PoolSite) -> bool:
    """One engine serves the whole process: a module or class variable, a guard, or code that runs once."""
    engine = pool.engine
    at_import = engine.holder in (Holder.MODULE, Holder.CLASS_BODY)
    return at_import or engine.guarded_once or runs_once(engine.frequency)


def chosen_by_condition(pool: PoolSite) -> bool:
    """A condition decides whether this engine is made: it may be the one for tests or a demonstration."""
    return pool.in_branch


def behind_a_pooler(pool: PoolSite) -> bool:
    """PgBouncer, RDS Proxy or the like keeps the connections (S14)."""
    return pool.external


def without_server(pool: PoolSite) -> bool:
    """SQLite: a connection is opened in no time."""
    return pool.storage not in (Storage.SERVER, Storage.UNKNOWN)
