"""Why a rule about sessions or connections stays quiet: one named predicate for each reason.

The numbers in the docstrings are those of the suppressors in the rule catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.lifetimes.observations import Escape
from poollint.program.sites import Times

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite


def in_tests(site: HandleSite) -> bool:
    """The code is a test, a fixture or test support (S7)."""
    return site.in_test


def in_migration(site: HandleSite) -> bool:
    """The code is a migration or its environment (S6)."""
    return site.in_migration


def kept_by_registry(site: HandleSite) -> bool:
    """A scoped_session keeps it: what ends it is remove(), which other rules look for."""
    return site.registry


def at_module_level(site: HandleSite) -> bool:
    """Module-level code is never left; a handle that lives there is shared, which other rules judge."""
    return site.at_module_level


def freed_by_reference_count(site: HandleSite) -> bool:
    """A dropped raw_connection() goes back at once: measured on CPython with every version."""
    return site.refcounted


def exempt(site: HandleSite) -> bool:
    """A reason for which every rule about the end of a handle is quiet."""
    return in_tests(site) or in_migration(site) or kept_by_registry(site) or at_module_level(site)


def never_executes(site: HandleSite) -> bool:
    """No statement runs on it: it holds no connection, and a dropped Connection goes back at once."""
    return not site.takes


def one_shot_script(site: HandleSite) -> bool:
    """Every known caller is module-level or `__main__` code of a program that ends soon (S11)."""
    return site.one_shot_script


def runs_repeatedly(site: HandleSite) -> bool:
    """A resolved chain runs the call many times, or once a thread."""
    return site.frequency.known and site.frequency.times >= Times.PER_THREAD and site.frequency.confidence > 0


def yields_it(site: HandleSite) -> bool:
    """A generator hands it out and goes on when the consumer is done."""
    return bool(site.generator) and Escape.YIELDED in site.escapes


def handed_over(site: HandleSite) -> bool:
    """Somebody else gets it in the end (S8); only an exception before that leaves the connection out."""
    return bool(site.escapes - {Escape.YIELDED}) and all(leak.how == "raise" for leak in site.leaks)


def only_a_failing_commit(site: HandleSite) -> bool:
    """Nothing closes it, and only the commit that gives the connection back can leave it out, by failing itself."""
    return not site.closes and all(leak.how == "raise" and leak.line in site.commits for leak in site.leaks)
