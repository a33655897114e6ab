"""What a rule is: a page, metadata, a pure judgement over a site, and a libcst visitor that marks the place.

`judge` sees facts only (`poollint.program.sites`) and must not import libcst: a run in which nothing is flagged never
pays for it. The visitor class comes from the factory `Rule.marker`, which imports libcst when it is called; the visitor
is given the chunk of source that holds the site and answers with the node to report. It reads syntax and never resolves
names.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from poollint.findings import Confidence, Severity
    from poollint.program.sites import ProgramSites, Span, Step
    from poollint.rules.mending import Fixer
    from poollint.rules.visitor import CallMarker


class Family(str, Enum):
    """Rules of one family that look at one site compete: the first in `registry.PRECEDENCE` reports it."""

    ENGINE = "engine"
    SESSION = "session"
    CONNECTION = "connection"
    ALONE = "alone"


class Metadata(Struct, frozen=True):
    """What a rule is called and how loud it is at most; `default` is False for rules that must be named to run."""

    code: str
    name: str
    summary: str
    severity: str
    confidence: str
    default: bool = True
    fix: str = "none"
    """Fix safety as the page states it: "safe", "unsafe", "suggestion" or "none"."""


class FixFacts(Struct, frozen=True):
    """What a fixer needs to know and cannot read from syntax, by role: ("session", "db"), ("release", its span).

    `kind` tells apart what one rule mends in different ways. Only text and places: it is stored with the result.
    """

    kind: str = ""
    names: tuple[tuple[str, str], ...] = ()
    places: tuple[tuple[str, Span], ...] = ()

    def name(self, role: str) -> str:
        """The text of a role; "" when there is none."""
        return dict(self.names).get(role, "")

    def place(self, role: str) -> Span | None:
        """The first place of a role."""
        return next((span for known, span in self.places if known == role), None)


NO_FACTS = FixFacts()


class Verdict(Struct, frozen=True):
    """A rule's judgement over one site. `site` identifies what it competes for: the span of the acquisition."""

    code: str
    site: Span
    span: Span
    chunk_line: int
    symbol: str
    message: str
    severity: Severity
    confidence: Confidence
    chain: tuple[Step, ...] = ()
    fix_title: str = ""
    fix_applicability: str = "display"
    facts: FixFacts = NO_FACTS


class Judge(Protocol):
    """Pure: the same sites give the same verdicts, in any order."""

    def __call__(self, sites: ProgramSites) -> Sequence[Verdict]: ...


def call_marker() -> type[CallMarker]:
    """The visitor of every rule that reports a call and has nothing to add about its syntax."""
    from poollint.rules.visitor import CallMarker

    return CallMarker


class Rule(Struct, frozen=True):
    """One rule file, as the registry sees it.

    `page` is the docstring of the file. `judge` is None for the rules that the frontends emit themselves (POL9xx).
    """

    metadata: Metadata
    page: str
    judge: Judge | None = None
    family: Family = Family.ENGINE
    marker: Callable[[], type[CallMarker]] = call_marker
    fixer: Fixer | None = None
    """Proposes the edits that mend a finding (`poollint.rules.mending`); None where a person has to."""

    @property
    def fix_safety(self) -> str:
        """What pages state: only edits can be "safe" or "unsafe", words are a "suggestion"."""
        stated = self.metadata.fix
        return "suggestion" if self.fixer is None and stated in ("safe", "unsafe") else stated
