"""The places that findings report: what the visitor of a rule marks, remembered with the result of the root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.checking.results import Mark, StoredVerdict, original, stored_mark
from poollint.findings import Location

if TYPE_CHECKING:
    from poollint.checking.results import Place, RootResult
    from poollint.checking.sources import Sources
    from poollint.rules.marking import LatestTree


class Marks:
    """The marks of one root. `new` are those found now, `faults` the visitors that failed, by index of the verdict."""

    __slots__ = ("_trees", "faults", "new", "result", "sources")

    def __init__(self, result: RootResult, sources: Sources) -> None:
        self.result = result
        self.sources = sources
        self.new: dict[int, Mark] = {}
        self.faults: dict[int, Exception] = {}
        self._trees: LatestTree | None = None

    def mark(self, index: int) -> Mark | None:
        """The mark of a verdict; None when its file is gone. libcst is imported for the first one that is new."""
        verdict = self.result.verdicts[index]
        known = self.new.get(index) or verdict.mark
        if known is not None:
            return known
        if not verdict.span[0]:
            return Mark(1, 1, 1, 1, "", None)
        found = self.visited(index, verdict)
        if found is not None:
            self.new[index] = found
        return found

    def visited(self, index: int, verdict: StoredVerdict) -> Mark | None:
        """What the visitor of the rule says; the place that the analysis saw stands when the visitor fails."""
        source = self.sources.get(verdict.span[0])
        if source is None:
            return None
        try:
            from poollint.rules.marking import LatestTree, mark

            self._trees = self._trees or LatestTree()
            return stored_mark(mark(original(verdict), source, self._trees))
        except Exception as error:
            self.faults[index] = error
            where = self.location(verdict.span)
            return Mark(where.line, where.column, where.end_line, where.end_column, source.text_of(where), None)

    def line(self, index: int) -> int:
        """The line that a verdict reports, without marking it for that alone."""
        verdict = self.result.verdicts[index]
        known = verdict.mark or self.new.get(index)
        return known.line if known else verdict.span[1]

    def ordinal(self, index: int) -> int:
        """How many equal expressions of the same symbol come before: it tells their fingerprints apart.

        All verdicts of the rule count, reported or not, so that a comment or an option does not shift the others.
        """
        verdict = self.result.verdicts[index]
        before = (
            other
            for other, candidate in enumerate(self.result.verdicts)
            if candidate.code == verdict.code
            and candidate.symbol == verdict.symbol
            and candidate.span[0] == verdict.span[0]
            and candidate.span < verdict.span
        )
        return sum(self.text(other) == self.text(index) for other in before)

    def text(self, index: int) -> str:
        """The marked text of a verdict, its white space normalised."""
        found = self.mark(index)
        return " ".join(found.text.split()) if found else ""

    def marked_location(self, index: int, mark: Mark) -> Location:
        """The place that a finding reports."""
        path = self.sources.reader.absolute(self.result.verdicts[index].span[0])
        return Location(path, mark.line, mark.column, mark.end_line, mark.end_column)

    def location(self, place: Place) -> Location:
        """A place of the analysis in the columns of findings."""
        path, line, column, end_line, end_column = place
        source = self.sources.get(path)
        if source is None:
            return Location(self.sources.reader.absolute(path), line, column + 1, end_line, end_column + 1)
        return source.location(line, column, end_line, end_column)
