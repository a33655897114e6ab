"""From a verdict to the place that a finding reports, through the libcst visitor of its rule.

This is the only module of the rules that parses source, and only the chunk that holds the verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.findings import Applicability, Fix, Location
from poollint.rules.registry import rule

if TYPE_CHECKING:
    from poollint.chunks import Chunk
    from poollint.editing.tree import FileTree
    from poollint.program.sites import Span
    from poollint.rules.base import Verdict
    from poollint.rules.visitor import CallMarker
    from poollint.source import SourceFile


class Marked(Struct, frozen=True):
    """The reported place, the source text there, and what would mend it."""

    location: Location
    text: str
    fix: Fix | None


class LatestTree:
    """The tree of the chunk that was asked for last: verdicts come in the order of their places.

    One tree only, because libcst takes about a hundred times the memory of the text.
    """

    __slots__ = ("_chunk", "_tree")

    def __init__(self) -> None:
        self._chunk: Chunk | None = None
        self._tree: FileTree | None = None

    def of(self, chunk: Chunk) -> FileTree | None:
        """The tree of `chunk`; None where libcst cannot parse it."""
        known = self._chunk
        if known is None or known.source is not chunk.source or known.lines != chunk.lines:
            from poollint.editing.tree import FileTree

            positions = chunk.positions()
            self._tree = FileTree(chunk.source, positions) if positions is not None else None
            self._chunk = chunk
        return self._tree


def mark(verdict: Verdict, source: SourceFile, trees: LatestTree) -> Marked:
    """The place of `verdict` in `source`, as the visitor of its rule sees it. `trees` serves all verdicts of a root.

    The finding stands at the span that the facts gave where libcst cannot parse the chunk or the visitor does not find
    its node. Raises what a visitor raises, except for too deep source.
    """
    location = _location(verdict.span, source)
    if rule(verdict.code).judge is None:
        return Marked(location, source.text_of(location), None)
    marker = _visited(verdict, location, source, trees)
    if marker is None:
        return Marked(location, source.text_of(location), _fix(verdict.fix_title, verdict.fix_applicability))
    applicability = marker.fix_applicability(verdict.fix_applicability)
    return Marked(location, source.text_of(location), _fix(marker.fix_title(verdict.fix_title), applicability))


def _visited(verdict: Verdict, location: Location, source: SourceFile, trees: LatestTree) -> CallMarker | None:
    """The visitor after its visit, or None when it found nothing.

    The visit begins at the outermost node that can be the one: to visit the whole chunk for each verdict would take
    minutes where a function holds hundreds of them.
    """
    tree = trees.of(source.chunk(verdict.chunk_line))
    if tree is None:
        return None
    marker_class = rule(verdict.code).marker()
    node = tree.at(location, *marker_class.kinds)
    if node is None:
        return None
    marker = marker_class(source, location, tree)
    try:
        node.visit(marker)
    except RecursionError:
        return None
    return marker if marker.marked is not None else None


def _location(span: Span, source: SourceFile) -> Location:
    """The place of a span; one that names a line only is the text of that line, without what surrounds it."""
    if (span.line, span.column) >= (span.end_line, span.end_column):
        text = source.line_text(span.line).rstrip("\r\n")
        start = len(text) - len(text.lstrip())
        return Location(source.path, span.line, start + 1, span.line, max(len(text.rstrip()), start) + 1)
    return source.location(span.line, span.column, span.end_line, span.end_column)


def _fix(title: str, applicability: str) -> Fix | None:
    return Fix(Applicability(applicability), title) if title else None
