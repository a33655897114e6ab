"""From a site to a verdict: the severity and confidence rules that family 1xx shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.sites import Pool, Release, Span, Step
from poollint.rules.base import NO_FACTS, Verdict
from poollint.rules.engine.exemptions import (
    disposed_always,
    escapes_to_owner,
    harmless_pool,
    null_pool,
    only_its_data_is_cached,
)
from poollint.rules.engine.short_lived import short_lived
from poollint.rules.engine.wording import call_name, keep_once, per, sentence, skipped_words

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite
    from poollint.rules.base import FixFacts, Metadata

_MOST_LEAKS = 3
_SHORT_LIVED = "POL301"
_BY_RANK = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def verdict(
    metadata: Metadata,
    site: EngineSite,
    message: str,
    severity: Severity,
    confidence: Confidence,
    *,
    span: Span | None = None,
    chain: tuple[Step, ...] | None = None,
    fix_title: str = "",
    fix_applicability: str = "display",
    facts: FixFacts = NO_FACTS,
) -> Verdict:
    """The verdict of the rule `metadata` over `site`, reported at `span` (the site's own when None)."""
    return Verdict(
        code=metadata.code,
        site=site.alternatives[0] if site.alternatives else site.span,
        span=span or site.span,
        chunk_line=site.chunk_line,
        symbol=site.symbol,
        message=message,
        severity=severity,
        confidence=confidence,
        chain=(
            *(site.frequency.chain if chain is None else chain),
            *_skipping(site),
            *_other_branches(site),
            *_advice(metadata, site),
        ),
        fix_title=fix_title,
        fix_applicability=fix_applicability,
        facts=facts,
    )


def _other_branches(site: EngineSite) -> tuple[Step, ...]:
    """The same in branches that exclude this one: all of them compete, so that the first speaks for them."""
    return tuple(Step(span, "the same in another branch") for span in site.alternatives if span != site.span)


def _skipping(site: EngineSite) -> tuple[Step, ...]:
    """Where control leaves and skips the disposal that another way has."""
    words = {
        "raise": "an exception here skips dispose()",
        "return": "this return skips dispose()",
        "lost": "the variable is used for another engine before dispose()",
    }
    path = site.span.path
    return tuple(
        Step(Span(path, leak.line, 0, leak.line, 0), words.get(leak.how, "the end is reached without dispose()"))
        for leak in site.leaks[:_MOST_LEAKS]
    )


def _advice(metadata: Metadata, site: EngineSite) -> tuple[Step, ...]:
    """What the rules about pools have to say of the engine, where this one speaks for them.

    POL313: a registry was put on it, and the pool that goes with it was not. POL301: it cannot be shared, and nobody
    keeps it.
    """
    found = []
    if site.scoped_without_null:
        found.append(Step(site.span, "POL313: scoped_session without NullPool, the pools still add up"))
    elif metadata.code != _SHORT_LIVED and short_lived(site) and not escapes_to_owner(site):
        text = (
            "the engine is dropped, its pool keeps connections that nobody uses again: poolclass=NullPool closes them"
        )
        found.append(Step(site.span, f"{_SHORT_LIVED}: {text}"))
    return tuple(found)


def proven_confidence(site: EngineSite) -> Confidence:
    """As sure as the chain; unknown keyword arguments can hold a poolclass and cost one step (S14)."""
    return _lowered(site, int(site.frequency.confidence))


def unhinted_confidence(site: EngineSite) -> Confidence:
    """High, because the syntax of the function proves it; unknown keyword arguments cost one step (S14)."""
    return _lowered(site, Confidence.HIGH.rank)


def assumed_confidence(site: EngineSite) -> Confidence:
    """Medium, because no caller is known; low where unknown keyword arguments can hold a poolclass (S14)."""
    return _lowered(site, Confidence.MEDIUM.rank)


def _lowered(site: EngineSite, rank: int) -> Confidence:
    return _BY_RANK[max(0, rank - (site.pool is Pool.UNKNOWN))]


def repeated_severity(site: EngineSite, proven: Severity) -> Severity:
    """`proven`; info where nothing grows; warning at most where an exception or a missed cache has to come first."""
    if harmless_pool(site):
        return Severity.INFO
    rarer = site.release is Release.HAPPY_PATH or only_its_data_is_cached(site)
    return Severity.WARNING if rarer and proven is Severity.ERROR else proven


def repeated_message(site: EngineSite) -> str:
    """What a proven repetition says, whichever rule reports it."""
    how_often = per(site.frequency)
    name = call_name(site)
    entry = site.frequency.entry
    if disposed_always(site):
        return sentence(f"{name} connects and disposes {how_often}", entry, keep_once(site))
    if null_pool(site):
        return sentence(f"{name} runs {how_often}", entry, "NullPool reconnects on every call")
    if site.release is Release.HAPPY_PATH:
        return sentence(f"{name} runs {how_often}, {skipped_words(site)}", entry, keep_once(site))
    return sentence(f"{name} runs {how_often}", entry, keep_once(site))
