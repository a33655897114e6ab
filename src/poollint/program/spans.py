"""The places of things: a call, a use of a value, a definition; and the calls at a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.sites import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.facts.model import Call, Decorator, ModuleFacts, Scope
    from poollint.program.references import Position


def of(path: str, placed: Call | Decorator | Position) -> Span:
    """The place of a call, of a decorator, or of a value where it is used."""
    return Span(path, placed.line, placed.column, placed.end_line, placed.end_column)


def of_line(path: str, line: int) -> Span:
    """A line as a whole, as the place of a statement."""
    return Span(path, line, 0, line, 0)


def of_definition(path: str, scope: Scope) -> Span:
    """The first word of a definition and its name."""
    keyword = "class " if scope.kind == "class" else "def "
    return Span(path, scope.line, scope.column, scope.line, scope.column + len(keyword) + len(scope.name))


def calls_at(facts: ModuleFacts, span: Span) -> Iterator[int]:
    """The indexes of the calls that stand exactly at a place of the file."""
    place = (span.line, span.column, span.end_line, span.end_column)
    for index, call in enumerate(facts.calls):
        if (call.line, call.column, call.end_line, call.end_column) == place:
            yield index
