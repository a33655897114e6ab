"""From a wrong use to a verdict: what the rules about single uses say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.rules.base import NO_FACTS, Verdict
from poollint.rules.engine.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.misuses.sites import Misuse, MisuseKind
    from poollint.program.sites import ProgramSites
    from poollint.rules.base import FixFacts, Metadata


def in_tests_or_migrations(misuse: Misuse) -> bool:
    """The code is a test, test support, a migration or its environment (S6, S7)."""
    return misuse.in_test or misuse.in_migration


def misuses(sites: ProgramSites, *kinds: MisuseKind) -> Iterator[Misuse]:
    """The wrong uses of these kinds that are reported."""
    for each in sites.misuses:
        if each.kind in kinds and not in_tests_or_migrations(each):
            yield each


def misuse_verdict(
    metadata: Metadata,
    misuse: Misuse,
    head: str,
    advice: str,
    severity: Severity,
    confidence: Confidence = Confidence.HIGH,
    *,
    fix_title: str = "",
    fix_applicability: str = "display",
    facts: FixFacts = NO_FACTS,
) -> Verdict:
    """The verdict of a rule over a wrong use: `head: advice`."""
    return Verdict(
        code=metadata.code,
        site=misuse.group or misuse.span,
        span=misuse.span,
        chunk_line=misuse.span.line,
        symbol=misuse.symbol,
        message=sentence(head, "", advice),
        severity=severity,
        confidence=confidence,
        chain=misuse.related,
        fix_title=fix_title,
        fix_applicability=fix_applicability,
        facts=facts,
    )
