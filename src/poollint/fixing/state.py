"""The program as it would be: the edited files in memory, and what a check of them says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from poollint.check import Checker, selection_for
from poollint.checking.report import Reporter, Scope
from poollint.checking.selection import choose
from poollint.checking.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from poollint.check import CheckOptions, Report
    from poollint.checking.root_run import RootRun
    from poollint.checking.selection import Selection
    from poollint.source import SourceFile

Tally = Counter[tuple[str, str, int]]
"""How many findings of each code each file has, by (path, code, rank): those of that severity rank or a higher one.

So a finding that comes again with a lower severity is one less, and one that gets worse is one more.
"""


class Tallies(NamedTuple):
    """`shown` and `enabled` at the selection of the run, where `enabled` counts what is hidden too; `default` is what
    the default selection shows. All files of the programs count, whether they were asked for or not."""

    shown: Tally
    enabled: Tally
    default: Tally


class State(Struct, frozen=True):
    """One state of the program: the report about it, and the files that differ from the disk."""

    report: Report
    tallies: Tallies
    files: Mapping[str, bytes]
    checker: Checker

    def with_edits(self, paths: Sequence[str | Path]) -> State:
        """The same state, whose report holds the edits of fixes; nothing is analysed again."""
        checker = self.checker.computing_edits()
        return State(checker.check(paths), self.tallies, self.files, checker)

    def source(self, path: str) -> SourceFile | None:
        """A file of the program as it is in this state; None when it cannot be read."""
        holding = (each for each in self.report.sources if path.startswith(each.reader.absolute("")))
        # A root may lie in another one, which has the same file as it is on disk.
        innermost = max(holding, key=lambda each: len(each.reader.absolute("")), default=None)
        return innermost.get(path[len(innermost.reader.absolute("")) :]) if innermost is not None else None


def looked_at(
    paths: Sequence[str | Path], options: CheckOptions, files: Mapping[str, bytes], edits: bool = True
) -> State:
    """The state of the program with `files` in place of what is on disk. Raises `CheckError`.

    Whole files are parsed for the edits of fixes, so a state that may be dropped is looked at without them.
    """
    checker = Checker(with_files(options, files, edits))
    report = checker.check(paths)
    return State(report, tallies(report.runs, options), files, checker)


def with_files(options: CheckOptions, files: Mapping[str, bytes], edits: bool) -> CheckOptions:
    """The options of a check that sees `files`, and computes edits or not."""
    if options.anonymous is not None:
        return options._replace(edits=edits, anonymous=next(iter(files.values()), options.anonymous))
    return options._replace(edits=edits, buffers={**options.buffers, **files})


def tallies(runs: Sequence[RootRun], options: CheckOptions) -> Tallies:
    """What all files of some roots have."""
    found = Tallies(Counter(), Counter(), Counter())
    for run in runs:
        by_default = choose(run.result.rules, (), (), ())
        shown, enabled = counted(run, selection_for(run, options))
        # A file that is no part of the program makes a second run of its root.
        found = Tallies(found.shown | shown, found.enabled | enabled, found.default | counted(run, by_default)[0])
    return found


def counted(run: RootRun, selection: Selection) -> tuple[Tally, Tally]:
    """The findings that are shown, and with them those that are hidden, of one root."""
    reporter = Reporter(run, selection, Scope(run.files), Sources(run.reader))
    return reporter.tally()
