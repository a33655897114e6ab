"""What is known of a root after an analysis, as plain values that go to JSON and back.

Verdicts stay rows of strings and numbers: a run that reports nothing decodes nothing and imports no rule. All verdicts
of all rules are kept, so that any selection is answered without a new analysis. Paths are relative to the root.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from poollint.checking.selection import RuleRow

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from poollint.program.sites import Span
    from poollint.rules.base import FixFacts, Verdict
    from poollint.rules.marking import Marked

Place = tuple[str, int, int, int, int]
"""The fields of `poollint.program.sites.Span`."""


class StoredEdit(NamedTuple):
    """One edit of a fix; positions as in `poollint.findings.Location`."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class StoredFix(NamedTuple):
    """What would mend a finding, in words."""

    applicability: str
    title: str


class StoredEdits(NamedTuple):
    """The same after the fixer of the rule was asked: with edits, or with the reason why there are none.

    `reads` are the other files that the answer depends on.
    """

    applicability: str
    title: str
    edits: tuple[StoredEdit, ...] = ()
    held_back: str = ""
    group: str = ""
    reads: tuple[str, ...] = ()


class Mark(NamedTuple):
    """What the visitor of a rule found: the place to report in code points, its text, and a fix."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    fix: StoredFix | None
    mending: StoredEdits | None = None
    """None until somebody asked for edits."""


class StoredFacts(NamedTuple):
    """A `poollint.rules.base.FixFacts` as a row."""

    kind: str = ""
    names: tuple[tuple[str, str], ...] = ()
    places: tuple[tuple[str, Place], ...] = ()


class StoredVerdict(NamedTuple):
    """A `poollint.rules.base.Verdict` as a row. `mark` is None until the verdict was shown for the first time."""

    code: str
    site: Place
    span: Place
    chunk_line: int
    symbol: str
    message: str
    severity: str
    confidence: str
    chain: tuple[tuple[Place, str], ...]
    fix_title: str
    fix_applicability: str
    facts: StoredFacts = StoredFacts()
    mark: Mark | None = None

    def places(self) -> Iterator[str]:
        """The paths of the primary place and of the chain."""
        yield self.span[0]
        for place, _ in self.chain:
            yield place[0]


class StoredProblem(NamedTuple):
    """A file that the analysis could not read or parse. `kind`: "syntax", "decoding" or "unreadable"."""

    path: str
    line: int
    column: int
    kind: str
    message: str


class RuleName(NamedTuple):
    """What a report says about a rule."""

    name: str
    severity: str
    confidence: str


class RootResult(NamedTuple):
    """The outcome of analysing one root. `rules` stand in the order of precedence; none when none can say anything."""

    rules: tuple[RuleRow, ...] = ()
    names: Mapping[str, RuleName] = MappingProxyType({})
    verdicts: tuple[StoredVerdict, ...] = ()
    problems: tuple[StoredProblem, ...] = ()

    def with_marks(self, marks: Mapping[int, Mark]) -> RootResult:
        """The same with the marks of some verdicts filled in; the keys are indexes of `verdicts`."""
        marked = (verdict._replace(mark=marks.get(index, verdict.mark)) for index, verdict in enumerate(self.verdicts))
        return self._replace(verdicts=tuple(marked))

    def marked_as(self, before: RootResult, unchanged: Container[str]) -> RootResult:
        """The same with the marks of equal verdicts of an earlier result, in files that have not changed since."""
        known = {verdict._replace(mark=None): verdict.mark for verdict in before.verdicts if verdict.mark is not None}
        marks = {
            index: mark
            for index, verdict in enumerate(self.verdicts)
            if verdict.span[0] in unchanged
            and (mark := known.get(verdict)) is not None
            and (mark.mending is None or all(path in unchanged for path in mark.mending.reads))
        }
        return self.with_marks(marks) if marks else self


def stored_verdict(verdict: Verdict) -> StoredVerdict:
    """A verdict as a row."""
    return StoredVerdict(
        verdict.code,
        place(verdict.site),
        place(verdict.span),
        verdict.chunk_line,
        verdict.symbol,
        verdict.message,
        verdict.severity.value,
        verdict.confidence.value,
        tuple((place(step.span), step.text) for step in verdict.chain),
        verdict.fix_title,
        verdict.fix_applicability,
        stored_facts(verdict.facts),
    )


def stored_facts(facts: FixFacts) -> StoredFacts:
    """What a fixer needs to know, as a row."""
    return StoredFacts(facts.kind, facts.names, tuple((role, place(span)) for role, span in facts.places))


def place(span: Span) -> Place:
    """A span as a row."""
    return span.path, span.line, span.column, span.end_line, span.end_column


def original(stored: StoredVerdict) -> Verdict:
    """The verdict that a row was made from."""
    from poollint.findings import Confidence, Severity
    from poollint.program.sites import Span, Step
    from poollint.rules.base import FixFacts, Verdict

    return Verdict(
        code=stored.code,
        site=Span(*stored.site),
        span=Span(*stored.span),
        chunk_line=stored.chunk_line,
        symbol=stored.symbol,
        message=stored.message,
        severity=Severity(stored.severity),
        confidence=Confidence(stored.confidence),
        chain=tuple(Step(Span(*span), text) for span, text in stored.chain),
        fix_title=stored.fix_title,
        fix_applicability=stored.fix_applicability,
        facts=FixFacts(
            stored.facts.kind,
            stored.facts.names,
            tuple((role, Span(*span)) for role, span in stored.facts.places),
        ),
    )


def stored_mark(marked: Marked) -> Mark:
    """What a visitor found, as a row."""
    location, fix = marked.location, marked.fix
    return Mark(
        location.line,
        location.column,
        location.end_line,
        location.end_column,
        marked.text,
        StoredFix(fix.applicability.value, fix.title) if fix else None,
    )


def encode(result: RootResult) -> dict[str, object]:
    """The result as a JSON object: tuples become arrays."""
    return {
        "rules": result.rules,
        "names": dict(result.names),
        "verdicts": result.verdicts,
        "problems": result.problems,
    }


def decode(payload: Mapping[str, Any]) -> RootResult:
    """The result of `encode()`. Raises KeyError, TypeError or ValueError when the payload is something else."""
    return RootResult(
        rules=tuple(RuleRow(*row) for row in payload["rules"]),
        names={code: RuleName(*row) for code, row in payload["names"].items()},
        verdicts=tuple(decode_verdict(row) for row in payload["verdicts"]),
        problems=tuple(StoredProblem(*row) for row in payload["problems"]),
    )


def inside(path: str) -> str:
    """`path` as it is. Raises ValueError when it leads out of the root: then the entry is not one of ours."""
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(path)
    return path


def decode_place(row: Sequence[Any]) -> Place:
    """One row of JSON. Raises ValueError for a path that leads out of the root."""
    path, line, column, end_line, end_column = row
    return inside(path), line, column, end_line, end_column


def decode_verdict(row: Sequence[Any]) -> StoredVerdict:
    """One row of JSON; its arrays become tuples again, because places are compared and used as keys."""
    code, site, span, chunk_line, symbol, message, severity, confidence, chain, title, safety, facts, mark = row
    return StoredVerdict(
        code,
        decode_place(site),
        decode_place(span),
        chunk_line,
        symbol,
        message,
        severity,
        confidence,
        tuple((decode_place(where), text) for where, text in chain),
        title,
        safety,
        decode_facts(facts),
        decode_mark(mark) if mark else None,
    )


def decode_facts(row: Sequence[Any]) -> StoredFacts:
    """One row of JSON."""
    kind, names, places = row
    return StoredFacts(
        kind,
        tuple((role, text) for role, text in names),
        tuple((role, decode_place(where)) for role, where in places),
    )


def decode_mark(row: Sequence[Any]) -> Mark:
    """One row of JSON."""
    line, column, end_line, end_column, text, fix, mending = row
    described = StoredFix(*fix) if fix else None
    return Mark(line, column, end_line, end_column, text, described, decode_edits(mending) if mending else None)


def decode_edits(row: Sequence[Any]) -> StoredEdits:
    """One row of JSON. Raises ValueError for an edit that leads out of the root."""
    applicability, title, edits, held_back, group, reads = row
    stored = tuple(StoredEdit(inside(path), *rest) for path, *rest in edits)
    return StoredEdits(applicability, title, stored, held_back, group, tuple(reads))
