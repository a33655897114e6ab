"""Rounds of fixes until nothing is left to mend. In memory: no file is written here.

A round applies all fixes that do not conflict, checks the whole program again, and keeps them when that helped. When
it did not, the round is halved until the fixes that do harm are found; the others are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.fixing.choosing import UNSAFE, Policy, candidates, compatible
from poollint.fixing.state import State, looked_at
from poollint.fixing.verifying import edited, faults, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from poollint.check import CheckOptions, Report
    from poollint.findings import Finding, Location
    from poollint.fixing.choosing import Candidate
    from poollint.fixing.verifying import Problem

MOST_ROUNDS = 10


class HeldBack(Struct, frozen=True):
    """A finding that is left, although something could be said about how to mend it, and why."""

    finding: Finding
    reason: str

    @property
    def is_unsafe(self) -> bool:
        """`--unsafe-fixes` would apply it."""
        return self.reason == UNSAFE


class Mended(Struct, frozen=True):
    """The outcome: what a check says about the mended program, and the files to write for it.

    `before` and `after` are contents by absolute path, for the files that change. `together` are the sets of files
    that a fix edits at once: such a set is written completely or not at all.
    """

    report: Report
    fixed: tuple[Finding, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    together: tuple[frozenset[str], ...] = ()


def mend(
    paths: Sequence[str | Path], options: CheckOptions, unsafe: bool, reason_against: Callable[[str], str]
) -> Mended:
    """Mend what a check of `paths` finds. `reason_against` tells why a file cannot be written, "" when it can.

    Raises:
        CheckError: a configuration, an option or the user's models cannot be used.
    """
    return Mender(paths, options, unsafe, reason_against).mended()


class Mender:
    """One run."""

    def __init__(
        self, paths: Sequence[str | Path], options: CheckOptions, unsafe: bool, reason_against: Callable[[str], str]
    ) -> None:
        self.paths = paths
        self.options = options
        self.state = looked_at(paths, options, {})
        self.policy = Policy(unsafe, self.state.report.asked, reason_against)
        self.before: dict[str, bytes] = {}
        self.fixed: list[Candidate] = []
        self.reasons: dict[tuple[str, Location, bytes], str] = {}
        """Why a fix was rolled back, by code, place and content of the file."""

    def mended(self) -> Mended:
        """The outcome of all rounds."""
        for _ in range(MOST_ROUNDS):
            wanted = [
                each for each in candidates(self.state.report.findings, self.policy) if not self.reason(each.finding)
            ]
            if not wanted or not self.improve(compatible(wanted)):
                break
        after = {path: data for path, data in self.state.files.items() if data != self.before[path]}
        return Mended(
            report=self.state.report,
            fixed=tuple(each.finding for each in self.fixed),
            held_back=self.held_back(),
            before={path: self.before[path] for path in after},
            after=after,
            together=connected([each.paths for each in self.fixed]),
        )

    def improve(self, round_: Sequence[Candidate]) -> bool:
        """One round; whether it changed anything."""
        base = self.state
        kept: list[Candidate] = []
        failed: list[tuple[Candidate, str]] = []
        self.settle(base, round_, kept, failed)
        for path in sorted({path for each in kept for path in each.paths}):
            source = base.source(path)
            if source is not None:
                self.before.setdefault(path, source.data)
        self.fixed += kept
        for candidate, reason in failed:
            self.reasons[self.key(candidate.finding)] = reason
        return bool(kept) or bool(failed)

    def settle(
        self, base: State, part: Sequence[Candidate], kept: list[Candidate], failed: list[tuple[Candidate, str]]
    ) -> None:
        """Sort the fixes of `part` into those that help beside the ones in `kept`, and those that do not."""
        if not part:
            return
        wrong = self.attempt(base, [*kept, *part])
        if not wrong:
            kept += part
            return
        if len(part) == 1:
            failed.append((part[0], wrong[0].reason))
            return
        places = {problem.path for problem in wrong}
        blamed = [each for each in part if places & {*each.paths, each.finding.location.path}]
        others = [each for each in part if each not in blamed]
        if not blamed or not others:
            blamed, others = list(part[len(part) // 2 :]), list(part[: len(part) // 2])
        self.settle(base, others, kept, failed)
        self.settle(base, blamed, kept, failed)

    def attempt(self, base: State, round_: Sequence[Candidate]) -> Sequence[Problem]:
        """Apply fixes to `base`; the state becomes the new one when nothing speaks against them."""
        made = edited(base, round_)
        if made.problems:
            return made.problems
        after = looked_at(self.paths, self.options, {**base.files, **made.files}, edits=False)
        wrong = faults(base.report, after.report, round_) or problems(base.tallies, after.tallies, round_)
        if wrong:
            return wrong
        after = after.with_edits(self.paths)
        wrong = faults(base.report, after.report, round_)
        if not wrong:
            self.state = after
        return wrong

    # ------------------------------------------------------------------------------------------------- reasons
    def key(self, finding: Finding) -> tuple[str, Location, bytes]:
        """What a finding is known by as long as its file stays the same."""
        source = self.state.source(finding.location.path)
        return (finding.code, finding.location, source.data if source is not None else b"")

    def reason(self, finding: Finding) -> str:
        """Why the fix of a finding was rolled back; "" when it was not, or its file has changed since."""
        return self.reasons.get(self.key(finding), "")

    def held_back(self) -> tuple[HeldBack, ...]:
        """The findings that are left and why, in the order of the report."""
        found = []
        for finding in self.state.report.findings:
            reason = self.policy.objection(finding)
            if reason is None:
                reason = self.reason(finding) or f"it was not reached in {MOST_ROUNDS} rounds"
            if reason:
                found.append(HeldBack(finding, reason))
        return tuple(found)


def connected(sets: Sequence[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """The sets joined where they share a file; those of one file are left out."""
    joined: list[frozenset[str]] = []
    for each in sets:
        if len(each) > 1:
            sharing = [other for other in joined if other & each]
            joined = [other for other in joined if not other & each]
            joined.append(each.union(*sharing))
    return tuple(sorted(joined, key=sorted))
