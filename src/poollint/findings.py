"""The vocabulary of a report: findings, where they lie, how sure poollint is, and what mends them.

Everything here is plain data. Positions are 1-based lines and 1-based columns in code points, ends are exclusive
(a tab or form feed counts one); paths are absolute until an output format renders them.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RULES_URL = "https://github.com/poollint/poollint/blob/main/RULES.md"


class Severity(str, Enum):
    """How much harm the reported code does when it runs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Higher is worse: info 0, warning 1, error 2."""
        return ("info", "warning", "error").index(self.value)


class Confidence(str, Enum):
    """How sure poollint is that the finding is true."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Higher is surer: low 0, medium 1, high 2."""
        return ("low", "medium", "high").index(self.value)


class Applicability(str, Enum):
    """What may be done with a fix without a person reading it first."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display"


class Location(NamedTuple):
    """A span in a file. `path` is absolute and uses `/`."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Related(NamedTuple):
    """One step of the chain that makes a finding true; the entry point comes first."""

    location: Location
    message: str


class Edit(NamedTuple):
    """Replace the span of `location` with `text`."""

    location: Location
    text: str


class Fix(NamedTuple):
    """What would mend a finding. `edits` is empty where the fix is described but not computed.

    `held_back` is why there are none although the rule can make some. Two fixes with one `group` exclude each other.
    """

    applicability: Applicability
    title: str
    edits: tuple[Edit, ...] = ()
    held_back: str = ""
    group: str = ""


class Finding(NamedTuple):
    """One report of one rule at one place."""

    location: Location
    code: str
    name: str
    message: str
    severity: Severity
    confidence: Confidence
    symbol: str = ""
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    fingerprint: str = ""

    @property
    def url(self) -> str:
        """The page of the rule."""
        return f"{RULES_URL}#{self.code.lower()}"

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """The order of every report: by path, position, code and message."""
        return (self.location.path, self.location.line, self.location.column, self.code, self.message)


def fingerprint(code: str, root_relative: str, symbol: str, text: str, ordinal: int) -> str:
    """An identity that survives moved lines: 16 hex digits over code, path, symbol and the reported text.

    `text` is the reported expression; white space is normalised. `ordinal` counts equal expressions from 0 in
    the order of the file. The chain is no part of it, so that a new caller does not make an old finding new.
    """
    normalised = " ".join(text.split())
    material = "\x1f".join((code, root_relative, symbol, normalised, str(ordinal)))
    return hashlib.sha256(material.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def sorted_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The findings in report order, exact repeats dropped."""
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.sort_key)


def relative_path(path: str, start: Path) -> str:
    """`path` relative to `start` with `/`, or unchanged when it lies outside of it."""
    prefix = start.as_posix().rstrip("/") + "/"
    return path.removeprefix(prefix)
