"""From a record to a verdict: what the rules about registries, factories and their misuse say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.rules.base import NO_FACTS, Verdict
from poollint.rules.engine.wording import as_call, clip, sentence

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistrySite
    from poollint.program.sites import Frequency, Span, Step
    from poollint.rules.base import FixFacts, Metadata

_LONGEST_NAME = 40


def kept_verdict(
    metadata: Metadata,
    span: Span,
    symbol: str,
    head: str,
    advice: str,
    severity: Severity = Severity.WARNING,
    confidence: Confidence = Confidence.HIGH,
    *,
    entry: str = "",
    site: Span | None = None,
    chain: tuple[Step, ...] = (),
    fix_title: str = "",
    fix_applicability: str = "display",
    facts: FixFacts = NO_FACTS,
) -> Verdict:
    """`head (entry): advice`, reported at `span`; `site` is what it competes for where that is another place."""
    return Verdict(
        code=metadata.code,
        site=site or span,
        span=span,
        chunk_line=span.line,
        symbol=symbol,
        message=sentence(head, entry, advice),
        severity=severity,
        confidence=confidence,
        chain=chain,
        fix_title=fix_title,
        fix_applicability=fix_applicability,
        facts=facts,
    )


def registry_name(site: RegistrySite, used: str = "") -> str:
    """The variable or attribute that keeps the registry, as `used` spells it ("db.session.commit"); else the call."""
    spelled = used.rpartition(".")[0]
    if spelled and site.name and spelled.rpartition(".")[2] == site.name.rpartition(".")[2]:
        return clip(spelled, _LONGEST_NAME)
    return clip(site.name, _LONGEST_NAME) if site.name else as_call(site.spelled)


def occasion(frequency: Frequency) -> str:
    """What the code runs once per: "request", "thread"; "call" where that is not known."""
    return clip(frequency.unit, _LONGEST_NAME) or "call"
