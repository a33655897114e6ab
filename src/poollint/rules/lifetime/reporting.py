"""From a site to a verdict: what the rules about sessions and connections say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.sites import Span, Step
from poollint.rules.base import NO_FACTS, Verdict
from poollint.rules.engine.wording import as_call, clip, sentence
from poollint.rules.lifetime.exemptions import one_shot_script, runs_repeatedly

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite, Leak
    from poollint.program.sites import Frequency
    from poollint.rules.base import FixFacts, Metadata


_LONGEST_NAME = 40


def call_name(site: HandleSite) -> str:
    """The call as written, with parentheses: `SessionLocal()`, `engine.connect()`."""
    return as_call(site.spelled)


def held_severity(site: HandleSite) -> Severity:
    """Error where the code is known to run again and again, info in a program that ends soon, else warning."""
    if one_shot_script(site):
        return Severity.INFO
    return Severity.ERROR if runs_repeatedly(site) else Severity.WARNING


def warning_severity(site: HandleSite) -> Severity:
    """Warning; info in a program that ends soon."""
    return Severity.INFO if one_shot_script(site) else Severity.WARNING


def first_leak(site: HandleSite) -> Leak:
    """The way out that the message names: one that no exception takes, where there is one."""
    return next((leak for leak in site.leaks if leak.how != "raise"), site.leaks[0])


def leak_words(leak: Leak) -> str:
    """Why the handle is not given back there: "when line 12 raises"."""
    if leak.how == "raise":
        return f"when line {leak.line} raises"
    if leak.how == "return":
        return f"when line {leak.line} returns"
    if leak.how == "lost":
        return f"before line {leak.line} replaces it"
    return "on every path to the end"


def skipped_words(site: HandleSite, leak: Leak) -> str:
    """What a rule says about a close that some way out skips."""
    if site.exit_method:
        return f"{site.spelled}.close() is skipped {leak_words(leak)}"
    return f"{call_name(site)} is not closed {leak_words(leak)}"


def leak_step(site: HandleSite, leak: Leak) -> Step:
    """The last step of the chain: where control leaves with the connection still out."""
    text = {
        "raise": "an exception here leaves with the connection checked out",
        "return": "this return leaves with the connection checked out",
        "lost": "the variable is used for something else while the connection is checked out",
        "kept": "the object is dropped with the connection checked out",
    }.get(leak.how, "the end is reached with the connection checked out")
    return Step(Span(site.span.path, leak.line, 0, leak.line, 0), text)


def kept_verdict(metadata: Metadata, site: HandleSite, severity: Severity) -> Verdict:
    """The verdict over a handle that an object keeps for as long as the garbage collector leaves it."""
    return handle_verdict(
        metadata,
        site,
        f"{clip(site.name, _LONGEST_NAME)} is never closed, each object keeps a connection",
        "close it when the object is done",
        severity,
        steps=(leak_step(site, first_leak(site)),),
        fix_title="Close it in a method that all users of the class call",
    )


def handle_verdict(
    metadata: Metadata,
    site: HandleSite,
    head: str,
    advice: str,
    severity: Severity,
    confidence: Confidence = Confidence.HIGH,
    *,
    span: Span | None = None,
    frequency: Frequency | None = None,
    steps: tuple[Step, ...] = (),
    fix_title: str = "",
    fix_applicability: str = "display",
    facts: FixFacts = NO_FACTS,
) -> Verdict:
    """The verdict of a rule over a handle: `head (entry point): advice`.

    `frequency`: what runs again and again, where it is not the code that makes the handle.
    """
    if frequency is None and runs_repeatedly(site):
        frequency = site.frequency
    return Verdict(
        code=metadata.code,
        site=site.span,
        span=span or site.span,
        chunk_line=(span or site.span).line,
        symbol=site.symbol,
        message=sentence(head, frequency.entry if frequency is not None else "", advice),
        severity=severity,
        confidence=Confidence.MEDIUM if site.hinted and confidence is Confidence.HIGH else confidence,
        chain=(*(frequency.chain if frequency is not None else ()), *steps),
        fix_title=fix_title,
        fix_applicability=fix_applicability,
        facts=facts,
    )
