"""The outcome of a check, and the same in the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from poollint.findings import sorted_findings

if TYPE_CHECKING:
    from poollint.checking.root_run import RootRun
    from poollint.checking.sources import Sources
    from poollint.findings import Finding


class Report(NamedTuple):
    """The outcome of a check.

    `failing` counts the findings at or above `fail-on` of their root. `failures` are reasons why poollint could not
    do all of its work, `notices` what else a user wants to know, `remarks` what only `--verbose` tells.
    """

    findings: tuple[Finding, ...] = ()
    hidden: int = 0
    failing: int = 0
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    output_format: str = "text"
    sources: tuple[Sources, ...] = ()
    runs: tuple[RootRun, ...] = ()
    """What was reported on, with the texts in `sources` in the same order."""
    asked: frozenset[str] = frozenset()
    """The absolute paths of the files that were passed, themselves or in folders."""

    def lines(self, path: str) -> list[str]:
        """The lines of a file of the report, as it was analysed; none when it cannot be read."""
        for sources in self.sources:
            prefix = sources.reader.absolute("")
            source = sources.get(path[len(prefix) :]) if path.startswith(prefix) else None
            if source is not None:
                return [line.rstrip("\r\n") for line in source.lines]
        return []


class Collected:
    """A report in the making."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.hidden = 0
        self.failing = 0
        self.failures: list[str] = []
        self.notices: list[str] = []
        self.remarks: list[str] = []
        self.sources: list[Sources] = []
        self.runs: list[RootRun] = []
        self.asked: set[str] = set()

    def report(self, output_format: str) -> Report:
        """The finished report; what was said twice is said once."""
        return Report(
            findings=tuple(sorted_findings(self.findings)),
            hidden=self.hidden,
            failing=self.failing,
            failures=tuple(dict.fromkeys(self.failures)),
            notices=tuple(dict.fromkeys(self.notices)),
            remarks=tuple(self.remarks),
            output_format=output_format,
            sources=tuple(self.sources),
            runs=tuple(self.runs),
            asked=frozenset(self.asked),
        )
