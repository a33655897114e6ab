"""Which fixes of a round are applied together: in the order of the report, the first of those that conflict. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.findings import Applicability
from poollint.fixing.splicing import touch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from poollint.findings import Finding, Fix, Location


class Candidate(Struct, frozen=True):
    """A finding with edits that may be applied."""

    finding: Finding
    fix: Fix

    @property
    def paths(self) -> frozenset[str]:
        """The files that it edits."""
        return frozenset(edit.location.path for edit in self.fix.edits)

    @property
    def group(self) -> tuple[str, str] | None:
        """What it excludes: others of the same file that name the same group."""
        return (self.finding.location.path, self.fix.group) if self.fix.group else None


class Policy(Struct, frozen=True):
    """What may be edited. `reason_against` tells why a file may not be, "" when it may."""

    unsafe: bool
    scope: Collection[str]
    reason_against: Callable[[str], str]

    def objection(self, finding: Finding) -> str | None:
        """Why the fix of a finding is not applied; None when it may be, "" when there is nothing to apply."""
        fix = finding.fix
        if fix is None or not fix.edits:
            return fix.held_back if fix is not None else ""
        for path in sorted({edit.location.path for edit in fix.edits}):
            if path not in self.scope:
                return f"it also edits {path}, which was not passed"
            if reason := self.reason_against(path):
                return reason
        if fix.applicability is Applicability.SAFE or (self.unsafe and fix.applicability is Applicability.UNSAFE):
            return None
        return UNSAFE if fix.applicability is Applicability.UNSAFE else "a person has to choose"


UNSAFE = "unsafe"


def candidates(findings: Iterable[Finding], policy: Policy) -> list[Candidate]:
    """The findings with a fix that may be applied, in the order of the report."""
    return [
        Candidate(finding, finding.fix)
        for finding in sorted(findings, key=lambda finding: finding.sort_key)
        if finding.fix is not None and policy.objection(finding) is None
    ]


def compatible(wanted: Sequence[Candidate]) -> list[Candidate]:
    """Those of `wanted` that can be applied in one round: of two that conflict the first."""
    chosen: list[Candidate] = []
    groups: set[tuple[str, str]] = set()
    taken: dict[str, list[Location]] = {}
    for each in wanted:
        if each.group in groups or any(conflicts(edit.location, taken) for edit in each.fix.edits):
            continue
        chosen.append(each)
        if each.group is not None:
            groups.add(each.group)
        for edit in each.fix.edits:
            taken.setdefault(edit.location.path, []).append(edit.location)
    return chosen


def conflicts(location: Location, taken: dict[str, list[Location]]) -> bool:
    """Whether a span touches one that is taken."""
    return any(touch(location, other) for other in taken.get(location.path, ()))
