"""Check paths: find the root of each, analyse whole roots, report for what was asked.

    report = check(["src/app"], CheckOptions())

The answer for a file does not depend on which other files are checked, nor on their order.
"""

# ruff: noqa: PTH109, PTH112, PTH113, PTH118, PTH120 - strings of os.path on the warm path

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from poollint.checking.options import CheckError, CheckOptions
from poollint.checking.outcome import Collected, Report
from poollint.checking.report import Scope, report
from poollint.checking.root_run import RootRun, run_anonymous, run_root
from poollint.checking.selection import Selection, UnknownSelector, choose, fit, normalised
from poollint.checking.shared import Shared
from poollint.checking.snapshot import UNREADABLE
from poollint.checking.sources import Sources, is_python
from poollint.findings import Severity
from poollint.workspace import listing as listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from poollint.config import Settings

__all__ = ["CheckError", "CheckOptions", "Checker", "Report", "check"]

TOLD_WHEN_PASSED = {
    listed.VIRTUAL_ENVIRONMENT: "is in a virtual environment",
    listed.NEVER_READ: "is in a folder that is never read",
}
"""Why a file or folder is not read although it was passed; other reasons give way to that wish."""

SHOWING_EDITS = ("json", "full")
"""The output formats that say how a finding is mended."""


class Part:
    """What a run asks of one root: absolute paths."""

    __slots__ = ("files", "folders")

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()


def check(paths: Sequence[str | Path], options: CheckOptions | None = None) -> Report:
    """Check files and directories.

    Raises:
        CheckError: a configuration, an option or the user's models cannot be used.
    """
    return Checker(options or CheckOptions()).check(paths)


class Checker:
    """Checks paths and remembers the roots it has seen; one lives as long as a run, or as a host's process."""

    def __init__(self, options: CheckOptions) -> None:
        self.options = options
        self.shared = Shared(options)
        self.finder = self.shared.finder
        self.buffers = {os.path.realpath(path): data for path, data in options.buffers.items()}
        self._runs: dict[str, RootRun] = {}
        self._seconds: dict[str, float] = {}
        self._errors: dict[str, Exception] = {}
        self._spoken_of: dict[str, frozenset[str]] = {}

    def check(self, paths: Sequence[str | Path]) -> Report:
        """Check files and directories. Raises `CheckError`."""
        collected = Collected()
        if self.options.anonymous is not None:
            run = run_anonymous(os.getcwd(), self.shared)
            self.add_report(collected, run, run.files)
        parts = self.parts(paths, collected)
        pending = list(parts)
        while pending:
            root = pending.pop()
            if not self.is_analysable(root, collected):
                del parts[root]
                continue
            for folder in self.nested_folders(root, parts[root]):
                nested = self.finder.root_of_directory(folder)
                known = parts.setdefault(nested, Part())
                if folder not in known.folders:
                    known.folders.add(folder)
                    pending.append(nested)
        for root in sorted(parts):
            self.add_root(collected, root, parts[root])
        return collected.report(self.output_format(parts))

    def computing_edits(self) -> Checker:
        """A checker that knows the same roots, and computes the edits of fixes."""
        other = Checker(self.options._replace(edits=True))
        other.shared, other.finder = self.shared, self.finder
        other._runs, other._seconds, other._errors = self._runs, self._seconds, self._errors
        return other

    def run(self, root: str) -> RootRun:
        """What is known of a root; analysed on the first call. Raises `CheckError`, and what is wrong with poollint.

        What was raised once is raised again: a host asks for each file, and trying again costs an analysis.
        """
        if root in self._errors:
            raise self._errors[root]
        run = self._runs.get(root)
        if run is None:
            buffers = {
                os.path.relpath(path, root).replace(os.sep, "/"): data
                for path, data in self.buffers.items()
                if self.finder.root_of_directory(os.path.dirname(path)) == root
            }
            began = time.perf_counter()
            try:
                run = self._runs[root] = run_root(root, self.shared, buffers)
            except Exception as error:
                self._errors[root] = error
                raise
            self._seconds[root] = time.perf_counter() - began
        return run

    def check_root(self, root: str) -> Report:
        """Report on all files of a root. Raises `CheckError`."""
        collected = Collected()
        run = self.run(root)
        self.add_report(collected, run, run.files)
        return collected.report(self.output_format([root]))

    def spoken_of(self, root: str) -> frozenset[str]:
        """The root-relative paths of the files that a report can name at all; it costs no report to know them."""
        found = self._spoken_of.get(root)
        if found is None:
            run = self.run(root)
            commented = (path for path in run.files if run.stamp(path).has_own_comments)
            judged = (verdict.span[0] for verdict in run.result.verdicts)
            broken = (problem.path for problem in run.result.problems)
            found = self._spoken_of[root] = frozenset((*commented, *judged, *broken))
        return found

    def keep(self, run: RootRun) -> None:
        """Remember a run with more marks."""
        self._runs[run.root] = run

    # ------------------------------------------------------------------------------------------------- scope
    def parts(self, paths: Sequence[str | Path], collected: Collected) -> dict[str, Part]:
        """The passed paths by root. Links are followed: a file is checked as what it is."""
        parts: dict[str, Part] = {}
        for path in paths:
            real = os.path.realpath(path)
            if os.path.isdir(real):
                parts.setdefault(self.finder.root_of_directory(real), Part()).folders.add(real)
            elif os.path.isfile(real) or real in self.buffers:
                parts.setdefault(self.finder.root_of_directory(os.path.dirname(real)), Part()).files.add(real)
            elif os.path.lexists(real):
                collected.failures.append(f"{path}: not a regular file")
            else:
                collected.failures.append(f"{path}: no such file or directory")
        return parts

    def is_analysable(self, root: str, collected: Collected) -> bool:
        """Whether poollint can analyse a root. If not, that is no reason to keep silent about the others."""
        try:
            self.run(root)
        except CheckError:
            raise
        except Exception as error:
            from traceback import format_exception

            collected.failures.append(f"{root}: internal error ({type(error).__name__}), {please_report()}")
            collected.remarks.append("".join(format_exception(error)).rstrip())
            return False
        return True

    def nested_folders(self, root: str, part: Part) -> list[str]:
        """The folders below those asked for that are programs of their own."""
        nested = (os.path.join(root, path) for path in self.run(root).taken.listing.nested_roots())
        return [path for path in nested if any(is_below(path, folder) for folder in part.folders)]

    def add_root(self, collected: Collected, root: str, part: Part) -> None:
        """Report on what is asked of one root."""
        run = self.run(root)
        prefix = root.rstrip(os.sep) + os.sep
        asked = {path for path in run.files if any(is_below(prefix + path, folder) for folder in part.folders)}
        for path in sorted(part.files):
            relative = path[len(prefix) :].replace(os.sep, "/")
            if relative in run.files:
                asked.add(relative)
            else:
                self.add_unlisted(collected, run, relative)
        if part.folders and not asked and not run.taken.listing.nested_roots():
            collected.notices.append(f"no Python files in {', '.join(sorted(part.folders))}")
        self.add_report(collected, run, frozenset(asked))
        self.add_unreadable_folders(collected, run, part)
        state = "unchanged" if run.fresh else "analysed"
        collected.remarks.append(
            f"{root}: {len(run.files)} files, {state} in {self._seconds[root]:.2f} s, {len(asked)} asked for"
        )

    def add_unlisted(self, collected: Collected, run: RootRun, path: str) -> None:
        """Report on a file that is no part of the program, because of its name or of a .gitignore: as if it were."""
        if listed.is_excluded(run.settings, path):
            collected.remarks.append(f"{run.reader.absolute(path)}: excluded")
            return
        if path.endswith(".ipynb"):
            collected.notices.append(f"{run.reader.absolute(path)}: notebooks are not read")
            return
        reason = next((reason for left, reason in run.taken.listing.skipped if is_below(path, left)), "")
        if reason in TOLD_WHEN_PASSED:
            collected.notices.append(f"{run.reader.absolute(path)}: not read, it {TOLD_WHEN_PASSED[reason]}")
            return
        try:
            data = run.reader(path)
        except OSError as error:
            collected.failures.append(f"{run.reader.absolute(path)}: cannot be read: {error.strerror or error}")
            return
        if not is_python(path, data):
            text = "not read, its name, first line and syntax are not those of Python"
            collected.notices.append(f"{run.reader.absolute(path)}: {text}")
            return
        extended = run_root(run.root, self.shared, {**run.reader.buffers, path: data})
        self.add_report(collected, extended, frozenset((path,)))

    # ----------------------------------------------------------------------------------------------- reporting
    def add_report(self, collected: Collected, run: RootRun, asked: frozenset[str]) -> None:
        """Add the findings of one root for some of its files."""
        sources = Sources(run.reader)
        edits = run.settings.output_format in SHOWING_EDITS if self.options.edits is None else self.options.edits
        scope = Scope(asked, run.settings.report == "touched", self.options.host_applies_noqa, edits)
        outcome = report(run, selection_for(run, self.options), scope, sources)
        if outcome.marks:
            marked = run.with_marks(outcome.marks)
            if self._runs.get(run.root) is run:
                self.keep(marked)
        least = Severity(run.settings.fail_on).rank
        collected.findings += outcome.findings
        collected.failing += sum(finding.severity.rank >= least for finding in outcome.findings)
        collected.hidden += outcome.hidden
        collected.sources.append(sources)
        collected.runs.append(run)
        collected.asked.update(map(run.reader.absolute, asked))
        self.add_unreadable(collected, run, asked)

    def add_unreadable(self, collected: Collected, run: RootRun, asked: frozenset[str]) -> None:
        """Tell of files that cannot be read: a failure for those asked for."""
        for entry in run.taken.listing.files:
            if run.taken.stamps[entry.path].digest == UNREADABLE and entry.path not in run.reader.buffers:
                text = f"{run.reader.absolute(entry.path)}: cannot be read{reason_of(run, entry.path)}"
                (collected.failures if entry.path in asked else collected.notices).append(text)

    def add_unreadable_folders(self, collected: Collected, run: RootRun, part: Part) -> None:
        """Tell of folders that cannot be listed: failures where they are asked for."""
        for path, reason in run.taken.listing.skipped:
            absolute = os.path.join(run.root, path)
            if reason == listed.UNREADABLE and any(is_below(absolute, folder) for folder in part.folders):
                collected.failures.append(f"{run.reader.absolute(path)}: cannot be read{reason_of_folder(absolute)}")

    def output_format(self, parts: Iterable[str]) -> str:
        """The format that the options or the settings of the first root name."""
        if self.options.output_format:
            return self.options.output_format
        return next((self.run(root).settings.output_format for root in parts), "text")


def selection_for(run: RootRun, options: CheckOptions) -> Selection:
    """Which rules run on a root, and whose verdicts are shown. Raises `CheckError` for an unknown selector."""
    settings = run.settings
    rules = run.result.rules
    selectors = (settings.select, settings.ignore, settings.extend_select, settings.per_file_ignores, options.named)
    if not rules and any(selectors):
        from poollint.checking.analysing import rule_rows

        rules = rule_rows()
    named = [name for name in normalised(options.named) if any(fit(name, rule.code) >= 0 for rule in rules)]
    try:
        chosen = choose(rules, settings.select, settings.ignore, (*settings.extend_select, *named))
        for _, codes in settings.per_file_ignores:
            choose(rules, codes, (), ())
    except UnknownSelector as error:
        raise CheckError(f"{origin(error.selector, settings, options)}{error}") from error
    return chosen


def origin(selector: str, settings: Settings, options: CheckOptions) -> str:
    """Where a selector was written, as the beginning of a message."""
    given = (*(options.select or ()), *(options.ignore or ()), *(options.extend_select or ()))
    return "" if selector in normalised(given) or not settings.source else f"{settings.source}: "


def please_report() -> str:
    """Where errors of poollint belong."""
    from poollint.rules.registry import ISSUES_URL

    return f"please report it (--verbose shows the details): {ISSUES_URL}"


def reason_of(run: RootRun, path: str) -> str:
    """Why a file cannot be read, with a colon before it; empty when it can be read by now."""
    try:
        run.reader(path)
    except OSError as error:
        return f": {error.strerror or error}"
    return ""


def reason_of_folder(folder: str) -> str:
    """Why a folder cannot be listed, with a colon before it; empty when it can be listed by now."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        return f": {error.strerror or error}"
    return ""


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
