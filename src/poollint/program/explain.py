"""`poollint explain`: what is known of a line and why, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.graph import Run
from poollint.program.lifetimes.explaining import about_handle
from poollint.program.sites import EngineSite, Frequency, ProgramSites, Times

if TYPE_CHECKING:
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.names import Resolver

_TIMES = {
    Times.NEVER: "never",
    Times.ONCE: "once per program run",
    Times.PER_PROCESS: "once per process",
    Times.PER_KEY: "once per key",
    Times.PER_THREAD: "once per thread",
    Times.MANY: "many times",
}


class Explainer:
    """Keeps the program of one run to answer questions about its lines."""

    def __init__(self, resolver: Resolver, callers: Callers, frequencies: Frequencies, sites: ProgramSites) -> None:
        self._resolver = resolver
        self._callers = callers
        self._frequencies = frequencies
        self._sites = sites

    def explain(self, path: str, line: int) -> list[str]:
        """Sentences about the acquisition sites on the line, and about the function that contains it."""
        found: list[str] = []
        for site in self._sites.engines:
            if site.span.path == path and site.span.line <= line <= site.span.end_line:
                found.extend(_about_site(site))
        for handle in self._sites.handles:
            if handle.span.path == path and handle.span.line <= line <= handle.span.end_line:
                found.extend(about_handle(handle))
        facts = self._resolver.project.facts(path) if path in self._resolver.project.files else None
        if facts is None:
            return found or [f"{path} is no file of this program, or it cannot be parsed."]
        index = max(
            (number for number, scope in enumerate(facts.scopes) if scope.first_line <= line <= scope.end_line),
            key=lambda number: (facts.scopes[number].first_line, number),
            default=0,
        )
        node = Run(path, index)
        self._frequencies.settle([node])
        scope = facts.scopes[index]
        subject = f"{scope.qualname}()" if scope.kind == "function" else scope.qualname or "the module"
        found.append(f"{subject} runs {_words(self._frequencies.of(node))}.")
        found.extend(f"  {step.span.path}:{step.span.line}: {step.text}" for step in self._frequencies.of(node).chain)
        return found


def _words(frequency: Frequency) -> str:
    if not frequency.known:
        return "an unknown number of times: no caller and no entry point was found"
    words = _TIMES[frequency.times]
    if frequency.partly_unknown:
        words = f"{words} or more often: among its callers are functions that nobody is known to call"
    if frequency.times is Times.MANY and frequency.unit:
        words += f", once per {frequency.unit}" + (f" ({frequency.entry})" if frequency.entry else "")
    if frequency.contexts - {"once"}:
        words += f"; context: {', '.join(sorted(frequency.contexts - {'once'}))}"
    if frequency.concurrent:
        words += "; runs may overlap in one process"
    return words


def _about_site(site: EngineSite) -> list[str]:
    found = [f"{site.spelled}() makes an engine here ({site.factory}), in {site.symbol or 'the module'}."]
    goes = ", ".join(sorted(escape.value for escape in site.escapes)) or "nowhere: it is used here and dropped"
    found.append(f"  The engine is {goes}." if site.escapes else f"  The engine goes {goes}.")
    found.append(f"  Pool: {site.pool.value}. Disposed of here: {site.release.value}.")
    if site.leaks:
        found.append(f"  Skipped {', '.join(f'at line {leak.line} ({leak.how})' for leak in site.leaks)}.")
    if site.guarded_once:
        found.append("  A guard lets the call run once (per key).")
    if site.dead_guard:
        found.append(f"  The guard on {site.dead_guard} fills a local: it guards nothing.")
    if site.memo is not None:
        found.append(f"  Kept by {site.memo.fqn or 'a cache'}, keyed by {site.memo.keyed}.")
    if site.loop is not None:
        found.append(f"  Repeated by the {site.loop.kind} loop at line {site.loop.span.line}.")
    if site.in_test or site.in_migration:
        found.append("  The file is a test or a migration: quiet.")
    return found
