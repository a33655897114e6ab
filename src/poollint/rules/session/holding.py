"""What the rules about sessions that are held too long (POL212, POL213, POL214) share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.sites import Times
from poollint.rules.base import Verdict
from poollint.rules.engine.wording import as_call, clip, sentence

if TYPE_CHECKING:
    from poollint.program.holding.sites import HeldSite
    from poollint.rules.base import Metadata

CROWDED = frozenset({"request", "dependency", "event", "job", "async_task", "thread", "loop_step"})
"""Contexts of which many may run at once: each of them keeps a connection while it waits."""
_LONGEST_NAME = 36


def exempt(site: HeldSite) -> bool:
    """Tests and migrations."""
    return site.in_test or site.in_migration


def crowded(site: HeldSite) -> bool:
    """The function is known to run for requests, tasks or callbacks, again and again."""
    frequency = site.frequency
    if not frequency.known or frequency.times < Times.PER_THREAD or frequency.confidence <= 0:
        return False
    return not CROWDED.isdisjoint(frequency.contexts)


def called(site: HeldSite) -> str:
    """The call as written: `requests.get()`."""
    return as_call(site.spelled, _LONGEST_NAME)


def held(site: HeldSite) -> str:
    """What is held: `SessionLocal()`, `db`, "the scoped session"."""
    return clip(site.holder, _LONGEST_NAME)


def holding_verdict(
    metadata: Metadata, site: HeldSite, head: str, advice: str, severity: Severity, *, fix_title: str = ""
) -> Verdict:
    """The verdict of a rule over a place where something is held: `head (entry point): advice`."""
    busy = crowded(site)
    return Verdict(
        code=metadata.code,
        site=site.acquired or site.span,
        span=site.span,
        chunk_line=site.chunk_line,
        symbol=site.symbol,
        message=sentence(head, site.frequency.entry if busy else "", advice),
        severity=severity,
        confidence=Confidence.MEDIUM,
        chain=(*(site.frequency.chain if busy else ()), *site.steps),
        fix_title=fix_title,
    )
