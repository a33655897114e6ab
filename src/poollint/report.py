"""From the verdicts over a root to the findings of a report: scope, selection, marks, suppressions, fingerprints."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from poollint.findings import Confidence, Finding, Location, Related, Severity, fingerprint
from poollint.results import Mark, StoredFix, StoredVerdict, original, stored_mark
from poollint.selection import decide, longest, normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from poollint.findings import Fix
    from poollint.results import Place, RootResult, StoredProblem
    from poollint.root_run import RootRun
    from poollint.selection import Selection
    from poollint.sources import Sources
    from poollint.suppress import Suppressions
    from poollint.workspace.ignore import IgnoreFile

SYNTAX_ERROR = "POL901"
UNUSED_SUPPRESSION = "POL902"
INTERNAL_ERROR = "POL900"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which findings are asked for. `asked` holds root-relative paths."""

    asked: frozenset[str]
    touched: bool = False
    """Any place of the chain counts, not the primary one alone."""
    host_applies_noqa: bool = False

    def covers(self, verdict: StoredVerdict) -> bool:
        """Whether a verdict belongs into the report. One without a place belongs into every report."""
        primary = verdict.span[0]
        if primary in self.asked or not primary:
            return True
        return self.touched and any(path in self.asked for path in verdict.places())


class RootReport(NamedTuple):
    """The findings of one root, how many informational ones were left out, and the marks that were found for it."""

    findings: tuple[Finding, ...]
    hidden: int
    marks: Mapping[int, Mark]


def report(run: RootRun, selection: Selection, scope: Scope, sources: Sources) -> RootReport:
    """The findings of `run` that `scope` asks for."""
    return Reporter(run, selection, scope, sources).report()


class Reporter:
    """Makes one report."""

    def __init__(self, run: RootRun, selection: Selection, scope: Scope, sources: Sources) -> None:
        self.run = run
        self.result: RootResult = run.result
        self.selection = selection
        self.scope = scope
        self.sources = sources
        self.new_marks: dict[int, Mark] = {}
        self.failures: list[Finding] = []
        self._suppressions: dict[str, Suppressions | None] = {}
        self._ignores = compiled_ignores(run.settings.per_file_ignores)

    def report(self) -> RootReport:
        """The findings, unsorted."""
        outcome = decide(self.result.verdicts, self.selection)
        findings = [finding for index in self.wanted(outcome.shown) if (finding := self.finding(index)) is not None]
        hidden = sum(not self.is_silenced(self.result.verdicts[index]) for index in self.wanted(outcome.hidden))
        findings += self.syntax_errors()
        findings += self.unused_suppressions()
        return RootReport((*findings, *self.failures), hidden, self.new_marks)

    def wanted(self, indexes: Iterable[int]) -> list[int]:
        """Those of `indexes` that are in scope and that no per-file ignore leaves out."""
        verdicts = self.result.verdicts
        return [
            index
            for index in indexes
            if self.scope.covers(verdicts[index])
            and not self.is_ignored(verdicts[index].code, verdicts[index].span[0])
            and not self.is_fault_of_disabled_rule(verdicts[index])
        ]

    def is_fault_of_disabled_rule(self, verdict: StoredVerdict) -> bool:
        """Whether a POL900 speaks of a rule that is not enabled: nobody misses what that rule has to say."""
        failed = verdict.message.partition(" ")[0]
        return verdict.code == INTERNAL_ERROR and failed in self.result.names and failed not in self.selection.enabled

    def is_ignored(self, code: str, path: str) -> bool:
        """Whether a per-file ignore leaves out `code` in `path`."""
        return any(longest(codes, code) >= 0 and files.leaves_out(path) for files, codes in self._ignores)

    # --------------------------------------------------------------------------------------------- one finding
    def finding(self, index: int) -> Finding | None:
        """The finding of a verdict; None when its file is gone or a comment suppresses it."""
        verdict = self.result.verdicts[index]
        mark = self.mark(index)
        if mark is None:
            return None
        if self.is_suppressed(verdict.code, verdict.span[0], mark.line):
            return None
        location = self.marked_location(verdict, mark)
        return Finding(
            location=location,
            code=verdict.code,
            name=self.result.names[verdict.code].name,
            message=verdict.message,
            severity=Severity(verdict.severity),
            confidence=Confidence(verdict.confidence),
            symbol=verdict.symbol,
            related=tuple(Related(self.location(place), text) for place, text in verdict.chain),
            fix=made_fix(mark.fix) if mark.fix else None,
            fingerprint=fingerprint(
                verdict.code, verdict.span[0], verdict.symbol, mark.text, self.ordinal(index, mark)
            ),
        )

    def mark(self, index: int) -> Mark | None:
        """What the visitor of the rule finds, remembered from an earlier report where there was one."""
        verdict = self.result.verdicts[index]
        known = verdict.mark or self.new_marks.get(index)
        if known is not None:
            return known
        source = self.sources.get(verdict.span[0])
        if source is None:
            return Mark(1, 1, 1, 1, "", None) if not verdict.span[0] else None
        try:
            from poollint.rules.marking import mark

            found = stored_mark(mark(original(verdict), source))
        except Exception as error:
            found = self.unmarked(verdict, error)
        self.new_marks[index] = found
        return found

    def unmarked(self, verdict: StoredVerdict, error: Exception) -> Mark:
        """The finding stands where the analysis saw it when a visitor fails; the failure is a finding of its own."""
        from poollint.rules.registry import internal_error_message

        location = self.location(verdict.span)
        source = self.sources.get(verdict.span[0])
        text = source.text_of(location) if source is not None else ""
        message = internal_error_message(verdict.code, error)
        self.failures.append(self.own_finding(INTERNAL_ERROR, location, message, verdict.symbol, text))
        return Mark(location.line, location.column, location.end_line, location.end_column, text, None)

    def ordinal(self, index: int, mark: Mark) -> int:
        """How many equal expressions of the same symbol come before: it tells their fingerprints apart.

        All verdicts of the rule count, reported or not, so that a comment or an option does not shift the others.
        """
        verdict = self.result.verdicts[index]
        before = [
            other
            for other, candidate in enumerate(self.result.verdicts)
            if candidate.code == verdict.code
            and candidate.symbol == verdict.symbol
            and candidate.span[0] == verdict.span[0]
            and candidate.span < verdict.span
        ]
        same = " ".join(mark.text.split())
        marks = (self.mark(other) for other in before)
        return sum(" ".join(found.text.split()) == same for found in marks if found is not None)

    def marked_location(self, verdict: StoredVerdict, mark: Mark) -> Location:
        """The place that a finding reports."""
        path = self.sources.reader.absolute(verdict.span[0])
        return Location(path, mark.line, mark.column, mark.end_line, mark.end_column)

    def location(self, place: Place) -> Location:
        """A place of the analysis in the columns of findings."""
        path, line, column, end_line, end_column = place
        source = self.sources.get(path)
        if source is None:
            return Location(self.sources.reader.absolute(path), line, column + 1, end_line, end_column + 1)
        return source.location(line, column, end_line, end_column)

    # ------------------------------------------------------------------------------------------ suppressions
    def suppressions(self, path: str) -> Suppressions | None:
        """The suppressions of a file, None when it has none; most files are not even opened for it."""
        if path not in self._suppressions:
            found = None
            if path in self.run.files() and self.run.stamp(path).has_comments:
                source = self.sources.get(path)
                if source is not None:
                    from poollint.suppress import Suppressions

                    found = Suppressions.of(source)
            self._suppressions[path] = found
        return self._suppressions[path]

    def is_suppressed(self, code: str, path: str, line: int) -> bool:
        """Whether a comment suppresses `code` at a line."""
        suppressions = self.suppressions(path)
        if suppressions is None:
            return False
        from poollint.suppress import IGNORE

        by = suppressions.suppresses(code, line)
        return by is not None and (by == IGNORE or not self.scope.host_applies_noqa)

    def is_silenced(self, verdict: StoredVerdict) -> bool:
        """Whether a comment suppresses a verdict that is not marked."""
        return self.is_suppressed(verdict.code, verdict.span[0], verdict.span[1])

    # ---------------------------------------------------------------------------------------- poollint's own
    def syntax_errors(self) -> list[Finding]:
        """POL901, for the files that poollint had to read."""
        return [
            self.syntax_error(problem)
            for problem in self.result.problems
            if problem.kind != "unreadable" and self.is_own_finding_wanted(SYNTAX_ERROR, problem.path)
        ]

    def syntax_error(self, problem: StoredProblem) -> Finding:
        """POL901 for one file. Its columns are those of the parser, since the text may not even be decodable."""
        line, column = max(problem.line, 1), max(problem.column, 0) + 1
        path = self.sources.reader.absolute(problem.path)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        message = f"not read, because Python {version} cannot parse it: {problem.message}"
        return self.own_finding(SYNTAX_ERROR, Location(path, line, column, line, column), message, "", problem.message)

    def unused_suppressions(self) -> list[Finding]:
        """POL902, for the files asked for. Verdicts of every rule count as use, shown or not."""
        found = []
        for path in sorted(self.scope.asked & self.run.files()):
            if not self.is_own_finding_wanted(UNUSED_SUPPRESSION, path) or not self.run.stamp(path).has_own_comments:
                continue
            suppressions = self.suppressions(path)
            if suppressions is not None:
                found += self.unused_in(path, suppressions)
        return found

    def unused_in(self, path: str, suppressions: Suppressions) -> list[Finding]:
        """POL902 for one file."""
        for verdict in self.result.verdicts:
            if verdict.span[0] == path:
                suppressions.suppresses(verdict.code, verdict.mark.line if verdict.mark else verdict.span[1])
        known = [rule.code for rule in self.selection.rules]
        unused = suppressions.unused(self.selection.enabled, known)
        absolute = self.sources.reader.absolute(path)
        return [
            self.own_finding(
                UNUSED_SUPPRESSION,
                Location(absolute, line, column, line, column),
                f"{', '.join(codes)} is not reported here: delete it from the poollint comment",
                "",
                ",".join(codes),
                sum(earlier[2] == codes for earlier in unused[:position]),
            )
            for position, (line, column, codes) in enumerate(unused)
        ]

    def is_own_finding_wanted(self, code: str, path: str) -> bool:
        """Whether a finding of poollint about a file belongs into the report."""
        return path in self.scope.asked and code in self.selection.enabled and not self.is_ignored(code, path)

    def own_finding(
        self, code: str, location: Location, message: str, symbol: str, text: str, ordinal: int = 0
    ) -> Finding:
        """A finding that no rule judged."""
        rule = self.result.names[code]
        relative = location.path.removeprefix(self.sources.reader.absolute("") or "")
        return Finding(
            location=location,
            code=code,
            name=rule.name,
            message=message,
            severity=Severity(rule.severity),
            confidence=Confidence(rule.confidence),
            symbol=symbol,
            fingerprint=fingerprint(code, relative, symbol, text, ordinal),
        )


def compiled_ignores(
    per_file_ignores: Sequence[tuple[str, tuple[str, ...]]],
) -> list[tuple[IgnoreFile, tuple[str, ...]]]:
    """The per-file ignores, ready to be asked: files and the selectors of codes left out there."""
    if not per_file_ignores:
        return []
    from poollint.workspace.ignore import IgnoreFile

    return [(IgnoreFile((pattern,)), normalised(codes)) for pattern, codes in per_file_ignores]


def made_fix(stored: StoredFix) -> Fix:
    """The fix of a finding."""
    from poollint.findings import Applicability, Edit, Fix

    edits = tuple(Edit(Location(*edit[:5]), edit.text) for edit in stored.edits)
    return Fix(Applicability(stored.applicability), stored.title, edits)
