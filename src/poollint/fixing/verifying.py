"""Whether a round of fixes helped: the findings are gone, no other came, and the files are still Python. Pure."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from poollint.checking.report import INTERNAL_ERROR, ranked
from poollint.editing.unused_imports import is_imported, without_unused
from poollint.fixing.splicing import CannotApply, source_after, spliced
from poollint.fixing.syntax import is_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.check import Report
    from poollint.findings import Edit
    from poollint.fixing.choosing import Candidate
    from poollint.fixing.state import State, Tallies


class Problem(NamedTuple):
    """What speaks against a round: the file where it shows, and the reason in words."""

    path: str
    reason: str


class Edited(NamedTuple):
    """The files of a round after its edits, and the problems of those that cannot be."""

    files: dict[str, bytes]
    problems: tuple[Problem, ...]


def edited(base: State, round_: Sequence[Candidate]) -> Edited:
    """The files that `round_` edits, from those of `base`."""
    by_path: dict[str, list[Edit]] = {}
    for candidate in round_:
        for edit in candidate.fix.edits:
            by_path.setdefault(edit.location.path, []).append(edit)
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path, edits in sorted(by_path.items()):
        try:
            files[path] = applied(base, path, edits)
        except CannotApply as error:
            problems.append(Problem(path, str(error)))
    return Edited(files, tuple(problems))


def applied(base: State, path: str, edits: Sequence[Edit]) -> bytes:
    """One file after its edits, without the imports that they leave unused. Raises `CannotApply`."""
    source = base.source(path)
    if source is None:
        raise CannotApply("the file cannot be read")
    data = spliced(source, edits)
    after = source_after(source, data)
    if not is_kept(source.text, after.text):
        raise CannotApply("the file could not be parsed afterwards")
    while unused := without_unused(source, after, partial(is_wanted_elsewhere, base, path)):
        data = spliced(after, unused[:1])
        after = source_after(source, data)
    return data


def is_wanted_elsewhere(base: State, path: str, name: str) -> bool:
    """Another file of the program imports the name from this one."""
    module = PurePath(path).stem
    for run in base.report.runs:
        prefix = run.reader.absolute("")
        for other in run.files:
            source = base.source(f"{prefix}{other}") if f"{prefix}{other}" != path else None
            if source is not None and name in source.text and is_imported(source.text, module, name):
                return True
    return False


def faults(before: Report, after: Report, round_: Sequence[Candidate]) -> list[Problem]:
    """What of the program cannot be analysed any more: then nothing is known about its findings."""
    new = set(after.failures) - set(before.failures)
    internal = [finding for finding in after.findings if finding.code == INTERNAL_ERROR]
    known = sum(finding.code == INTERNAL_ERROR for finding in before.findings)
    if new or len(after.runs) < len(before.runs):
        return [Problem(path, "the program could not be analysed afterwards") for path in sorted(paths_of(round_))]
    if len(internal) > known:
        return [Problem(finding.location.path, "poollint failed on the file afterwards") for finding in internal]
    return []


def paths_of(round_: Sequence[Candidate]) -> set[str]:
    """All files that a round edits."""
    return {path for candidate in round_ for path in candidate.paths}


def problems(before: Tallies, after: Tallies, round_: Sequence[Candidate]) -> list[Problem]:
    """What is wrong after a round: findings that stay as bad as they were, and findings that were not there.

    Without problems there are fewer or milder findings than before, so rounds end and cannot undo each other.
    """
    mended = Counter(
        key for each in round_ for key in ranked(each.finding.location.path, each.finding.code, each.finding.severity)
    )
    own = {(each.finding.location.path, each.finding.code, each.finding.severity.rank) for each in round_}
    found: dict[tuple[str, str], str] = {}
    for key in own:
        if after.enabled[key] > before.enabled[key] - mended[key]:
            found[key[:2]] = "the finding would stay"
    for key in after.shown.keys() | after.default.keys():
        is_new = after.shown[key] > before.shown[key] or after.default[key] > before.default[key]
        if is_new:
            found.setdefault(key[:2], f"it would bring {key[1]}")
    return [Problem(path, reason) for (path, _), reason in sorted(found.items())]
