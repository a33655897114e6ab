"""What the fixer of a rule is given.

A fixer is a pure function `fix(target: FixTarget) -> Proposal | Refusal` in the file of its rule, and its `Rule.fixer`.
It is asked about verdicts that have a `fix_title`, and refuses rather than guesses. It imports libcst, and what is in
`poollint.editing`, when it is called. What it needs to know and cannot read from syntax comes with the verdict
(`Verdict.facts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.findings import Location
    from poollint.program.sites import Span
    from poollint.rules.base import Verdict

    Node = TypeVar("Node", bound=cst.CSTNode)


class FixTarget(Struct, frozen=True):
    """A verdict and the file it lies in. `other` gives further files by the paths that verdicts use (root-relative);
    None for one that cannot be read or parsed."""

    verdict: Verdict
    tree: FileTree
    other: Callable[[str], FileTree | None]

    @property
    def location(self) -> Location:
        """The reported place."""
        return self.place(self.verdict.span)

    def place(self, span: Span) -> Location:
        """A place of the verdict's own file in the columns of findings."""
        return self.tree.source.location(span.line, span.column, span.end_line, span.end_column)

    def node(self, *kinds: type[Node]) -> Node | None:
        """The node at the reported place."""
        return self.tree.at(self.location, *kinds)


class Fixer(Protocol):
    """Pure: the same target gives the same answer."""

    def __call__(self, target: FixTarget) -> Proposal | Refusal: ...
