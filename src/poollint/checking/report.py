"""From the verdicts over a root to the findings of a report: selection and scope, then marks and suppressions."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from poollint.checking.marks import Marks
from poollint.checking.selection import decide
from poollint.checking.silence import Silence
from poollint.findings import Applicability, Confidence, Edit, Finding, Fix, Location, Related, Severity, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from poollint.checking.results import Mark, StoredProblem, StoredVerdict
    from poollint.checking.root_run import RootRun
    from poollint.checking.selection import Selection
    from poollint.checking.sources import FileReader, Sources
    from poollint.suppress import Suppressions

INTERNAL_ERROR = "POL900"
SYNTAX_ERROR = "POL901"
UNUSED_SUPPRESSION = "POL902"


class Scope(NamedTuple):
    """Which findings are asked for. `asked` holds root-relative paths."""

    asked: frozenset[str]
    touched: bool = False
    """Any place of the chain counts, not the primary one alone."""
    host_applies_noqa: bool = False
    edits: bool = False
    """Fixes are computed, which parses whole files; else they are described."""

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
    """The findings of `run` that `scope` asks for, unsorted."""
    return Reporter(run, selection, scope, sources).report()


def ranked(path: str, code: str, severity: Severity) -> Iterator[tuple[str, str, int]]:
    """What a finding counts for: its own rank and the lower ones."""
    return ((path, code, rank) for rank in range(severity.rank + 1))


class Reporter:
    """Makes one report."""

    def __init__(self, run: RootRun, selection: Selection, scope: Scope, sources: Sources) -> None:
        self.run = run
        self.verdicts = run.result.verdicts
        self.selection = selection
        self.scope = scope
        self.reader = sources.reader
        self.marks = Marks(run.result, sources)
        self.silence = Silence(run, sources, applies_noqa=not scope.host_applies_noqa)

    def report(self) -> RootReport:
        """The findings, how many are hidden, and new marks."""
        outcome = decide(self.verdicts, self.selection)
        findings = [finding for index in self.wanted(outcome.shown) if (finding := self.finding(index)) is not None]
        hidden = sum(not self.is_suppressed(index) for index in self.wanted(outcome.hidden))
        findings += self.syntax_errors()
        findings += self.unused_suppressions()
        findings += self.faults()
        findings += self.analysis_faults()
        return RootReport(tuple(findings), hidden, self.marks.new)

    def tally(self) -> tuple[Counter[tuple[str, str, int]], Counter[tuple[str, str, int]]]:
        """How many findings are shown, and how many with the hidden ones. Marks nothing.

        By (path, code, rank): those of the code whose severity has that rank (`Severity.rank`) or a higher one.
        """
        outcome = decide(self.verdicts, self.selection)
        own = (*self.syntax_errors(), *self.unused_suppressions(), *self.analysis_faults())
        shown = Counter(key for each in own for key in ranked(each.location.path, each.code, each.severity))
        shown.update(self.keys(outcome.shown))
        return shown, shown + Counter(self.keys(outcome.hidden))

    def keys(self, indexes: Iterable[int]) -> Iterator[tuple[str, str, int]]:
        """What each of `indexes` that is wanted and not suppressed counts for."""
        for index in self.wanted(indexes):
            if not self.is_suppressed(index):
                verdict = self.verdicts[index]
                yield from ranked(self.reader.absolute(verdict.span[0]), verdict.code, Severity(verdict.severity))

    def wanted(self, indexes: Iterable[int]) -> list[int]:
        """Those of `indexes` that are in scope and that no per-file ignore leaves out."""
        return [index for index in indexes if self.is_wanted(self.verdicts[index])]

    def is_wanted(self, verdict: StoredVerdict) -> bool:
        """Whether a verdict is in scope and not left out for its file."""
        if not self.scope.covers(verdict) or self.silence.is_ignored(verdict.code, verdict.span[0]):
            return False
        # POL900 speaks of another rule first. Nobody misses what a rule that is not enabled has to say.
        failed = verdict.message.partition(" ")[0] if verdict.code == INTERNAL_ERROR else ""
        return failed not in self.run.result.names or failed in self.selection.enabled

    def is_suppressed(self, index: int) -> bool:
        """Whether a comment suppresses a verdict."""
        verdict = self.verdicts[index]
        return self.silence.is_suppressed(verdict.code, verdict.span[0], self.marks.line(index))

    def finding(self, index: int) -> Finding | None:
        """The finding of a verdict; None when its file is gone or a comment suppresses it."""
        verdict = self.verdicts[index]
        mark = self.marks.mark(index)
        if mark is None or self.is_suppressed(index):
            return None
        if self.scope.edits:
            mark = self.completed(index, mark)
        return Finding(
            location=self.marks.marked_location(index, mark),
            code=verdict.code,
            name=self.run.result.names[verdict.code].name,
            message=verdict.message,
            severity=Severity(verdict.severity),
            confidence=Confidence(verdict.confidence),
            symbol=verdict.symbol,
            related=tuple(Related(self.marks.location(place), text) for place, text in verdict.chain),
            fix=self.fix(mark),
            fingerprint=fingerprint(
                verdict.code, verdict.span[0], verdict.symbol, mark.text, self.marks.ordinal(index)
            ),
        )

    def completed(self, index: int, mark: Mark) -> Mark:
        """The mark with the edits of its fix."""
        if mark.fix is None or mark.mending is not None:
            return mark
        from poollint.checking.fixes import Fixes

        Fixes(self.marks).complete(index)
        return self.marks.mark(index) or mark

    def fix(self, mark: Mark) -> Fix | None:
        """The fix of a finding: with edits where they are asked for, whatever an earlier run has stored."""
        known = mark.mending
        if known is None or not self.scope.edits:
            return Fix(Applicability(mark.fix.applicability), mark.fix.title) if mark.fix else None
        edits = tuple(Edit(Location(self.reader.absolute(edit.path), *edit[1:5]), edit.text) for edit in known.edits)
        return Fix(Applicability(known.applicability), known.title, edits, known.held_back, known.group)

    # ---------------------------------------------------------------------------------------- poollint's own
    def faults(self) -> Iterator[Finding]:
        """POL900, for visitors that failed."""
        for index, error in self.marks.faults.items():
            from poollint.rules.registry import internal_error_message

            verdict = self.verdicts[index]
            where = self.marks.location(verdict.span)
            message = internal_error_message(verdict.code, error)
            yield self.own_finding(INTERNAL_ERROR, verdict.span[0], where, message, verdict.code)

    def analysis_faults(self) -> Iterator[Finding]:
        """POL900, for code that the analysis itself failed on."""
        for problem in self.run.result.problems:
            if problem.kind == "internal" and self.is_own_finding_wanted(INTERNAL_ERROR, problem.path):
                from poollint.rules.registry import ISSUES_URL

                where = Location(self.reader.absolute(problem.path), problem.line, 1, problem.line, 1)
                message = f"the analysis failed here ({problem.message}): please report it: {ISSUES_URL}"
                yield self.own_finding(INTERNAL_ERROR, problem.path, where, message, problem.message)

    def syntax_errors(self) -> Iterator[Finding]:
        """POL901, for the files that poollint had to read."""
        for problem in self.run.result.problems:
            of_the_file = problem.kind not in ("unreadable", "internal")
            if of_the_file and self.is_own_finding_wanted(SYNTAX_ERROR, problem.path):
                line, column = max(problem.line, 1), max(problem.column, 0) + 1
                where = Location(self.reader.absolute(problem.path), line, column, line, column)
                message = cause(problem, self.reader)
                yield self.own_finding(SYNTAX_ERROR, problem.path, where, message, problem.message)

    def unused_suppressions(self) -> Iterator[Finding]:
        """POL902, for the files asked for, unless nobody knows what would be reported in them."""
        broken = {problem.path for problem in self.run.result.problems}
        for path in sorted((self.scope.asked & self.run.files) - broken):
            if self.is_own_finding_wanted(UNUSED_SUPPRESSION, path) and self.run.stamp(path).has_own_comments:
                comments = self.silence.comments(path)
                if comments is not None:
                    yield from self.unused_in(path, comments)

    def unused_in(self, path: str, comments: Suppressions) -> Iterator[Finding]:
        """POL902 for one file. Verdicts of every rule count as use, shown or not."""
        for index, verdict in enumerate(self.verdicts):
            if verdict.span[0] == path:
                comments.suppresses(verdict.code, self.marks.line(index))
        known = [rule.code for rule in self.selection.rules]
        unused = comments.unused(self.selection.enabled, known)
        for position, (comment, codes) in enumerate(unused):
            line = comment.line
            where = Location(self.reader.absolute(path), line, comment.column, line, comment.end_column)
            listed = ", ".join(codes)
            if not any(each.startswith(code) for code in codes for each in known):
                message = f"{listed} is no rule: the comment suppresses nothing"
            else:
                it = "it" if len(codes) == 1 else "them"
                message = f"{listed} is not reported here: delete {it} from the comment"
            earlier = sum(codes == other for _, other in unused[:position])
            yield self.own_finding(UNUSED_SUPPRESSION, path, where, message, listed, earlier)

    def is_own_finding_wanted(self, code: str, path: str) -> bool:
        """Whether a finding of poollint about a file belongs into the report."""
        return path in self.scope.asked and code in self.selection.enabled and not self.silence.is_ignored(code, path)

    def own_finding(
        self, code: str, path: str, location: Location, message: str, text: str, ordinal: int = 0
    ) -> Finding:
        """A finding that no rule judged."""
        rule = self.run.result.names[code]
        return Finding(
            location=location,
            code=code,
            name=rule.name,
            message=message,
            severity=Severity(rule.severity),
            confidence=Confidence(rule.confidence),
            fingerprint=fingerprint(code, path, "", text, ordinal),
        )


def cause(problem: StoredProblem, reader: FileReader) -> str:
    """Why a file was not analysed."""
    if problem.kind == "syntax":
        hint = "; exclude it if it is a template" if is_template_line(problem, reader) else ""
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"Python {running} cannot parse this file: {problem.message}{hint}"
    if problem.kind == "decoding":
        return f"this file cannot be decoded: {problem.message}"
    return f"this file is not analysed: {problem.message}"


def is_template_line(problem: StoredProblem, reader: FileReader) -> bool:
    """Jinja or cookiecutter: a placeholder on the line of the error, or a statement anywhere."""
    try:
        lines = reader(problem.path).splitlines()
    except OSError:
        return False
    broken = lines[problem.line - 1] if 0 < problem.line <= len(lines) else b""
    return b"{{" in broken or any(line.lstrip().startswith((b"{%", b"{{")) for line in lines)
