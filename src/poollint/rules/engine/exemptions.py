"""Why a rule about engines stays quiet: one named predicate for each reason, shared by the rules of family 1xx.

The numbers in the docstrings are those of the suppressors in the rule catalogue. `exemption` answers with the first
one that holds, so that `poollint explain` can name it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.program.sites import Confidence, Escape, Pool, Release, Times

if TYPE_CHECKING:
    from collections.abc import Callable

    from poollint.program.sites import EngineSite


_LEAVES_BY_RETURN = frozenset({Escape.RETURNED, Escape.RETURNED_INSIDE})


def guarded_global(site: EngineSite) -> bool:
    """A guard on a global or an attribute lets the call run once (S2, S3)."""
    return site.guarded_once


def memoised(site: EngineSite) -> bool:
    """A memoiser or a keyed cache keeps the engine (S1, S4); its own faults are POL109, POL110, POL112 and POL113."""
    return site.memo is not None and not only_its_data_is_cached(site)


def only_its_data_is_cached(site: EngineSite) -> bool:
    """A value cache keeps what the function returns, and that is not the engine: each miss makes another one."""
    return site.memo is not None and site.memo.value_cache and not site.escapes & _LEAVES_BY_RETURN


def in_tests(site: EngineSite) -> bool:
    """The code is a test, a fixture or test support (S7)."""
    return site.in_test


def in_migration(site: EngineSite) -> bool:
    """The code is a migration or its environment (S6)."""
    return site.in_migration


def one_shot_script(site: EngineSite) -> bool:
    """Every known caller is module-level or `__main__` code of a script that ends soon (S11)."""
    return site.one_shot_script


def in_memory_database(site: EngineSite) -> bool:
    """The database lives in this process; there is no server whose connections run out (S7)."""
    return site.in_memory


def never_connects(site: EngineSite) -> bool:
    """Only the dialect or the URL of the engine is asked for: without a connection its pool stays empty."""
    return site.never_connects


EXEMPTIONS: tuple[Callable[[EngineSite], bool], ...] = (
    guarded_global,
    memoised,
    in_tests,
    in_migration,
    one_shot_script,
    in_memory_database,
    never_connects,
)


def exemption(site: EngineSite) -> Callable[[EngineSite], bool] | None:
    """The first predicate that silences every rule about repeated engines at `site`, or None."""
    return next((holds for holds in EXEMPTIONS if holds(site)), None)


def exempt_but_for_scripts(site: EngineSite) -> bool:
    """Like `exempt`, for what piles up within one run: a program that runs once is no excuse."""
    return any(holds(site) for holds in EXEMPTIONS if holds is not one_shot_script)


def exempt(site: EngineSite) -> bool:
    """Whether `exemption` finds a reason."""
    return exemption(site) is not None


def null_pool(site: EngineSite) -> bool:
    """NullPool keeps no idle connection: slow, but nothing grows (S14)."""
    return site.pool is Pool.NULL


def disposed_always(site: EngineSite) -> bool:
    """Every path disposes of the engine: slow, but nothing stays behind (S13)."""
    return site.release is Release.ALWAYS


def harmless_pool(site: EngineSite) -> bool:
    """The repeated engine costs time, not connections."""
    return null_pool(site) or disposed_always(site)


def frequency_is_known(site: EngineSite) -> bool:
    """A caller or an entry point was resolved by more than a hint."""
    return site.frequency.known and site.frequency.confidence > Confidence.LOW


def frequency_is_settled(site: EngineSite) -> bool:
    """Callers are known, and none of them is a public function that nobody is known to call."""
    return frequency_is_known(site) and not site.frequency.partly_unknown


def runs_repeatedly(site: EngineSite) -> bool:
    """A resolved chain runs the call many times or once a thread in one process."""
    return site.frequency.known and site.frequency.times >= Times.PER_THREAD


def stored_per_database(site: EngineSite) -> bool:
    """A loop that runs once fills a container with one engine for each database (S4).

    Contexts come from entry points; without any it is the loop alone that makes the call run many times.
    """
    return site.loop is not None and site.loop.stored and not site.frequency.contexts


def escapes_to_owner(site: EngineSite) -> bool:
    """Somebody outside can hold the engine and dispose of it; its owner decides (S8)."""
    return bool(site.escapes - {Escape.RETURNED_INSIDE})


def builder_for_callers(site: EngineSite) -> bool:
    """The function hands out a bare engine for a URL of its caller: `def make(url): return create_engine(url)`.

    A known caller that disposes of it, if not on every path, takes it for its own; one that drops it does not.
    """
    if not site.url_depends_on_parameters:
        return False
    return Escape.RETURNED in site.escapes or (site.returned and site.release is Release.HAPPY_PATH)


def unreferenced_private(site: EngineSite) -> bool:
    """Nobody is known to call a function that is not public: dead code."""
    return not site.public and not site.frequency.known


def known_to_run_once(site: EngineSite) -> bool:
    """Callers are known, and none of them runs the call more than once per process or per key."""
    return frequency_is_settled(site) and not runs_repeatedly(site)


MITIGATIONS: tuple[Callable[[EngineSite], bool], ...] = (
    known_to_run_once,
    null_pool,
    disposed_always,
    stored_per_database,
    escapes_to_owner,
    builder_for_callers,
    unreferenced_private,
)
"""Further reasons, each for some of the rules only or for a lower severity."""


def in_words(predicate: Callable[..., bool]) -> str:
    """What a predicate says, as a sentence, without the numbers of the catalogue."""
    return re.sub(r" \(S\d+[^)]*\)", "", (predicate.__doc__ or "").partition("\n")[0])


def tiny_pool(site: EngineSite) -> bool:
    """At most two connections for each engine, declared as such."""
    return site.pool_size is not None and 0 < site.pool_size <= 2 and site.max_overflow == 0
