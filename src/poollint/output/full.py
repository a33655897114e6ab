"""For reading on a terminal: the source at stake, the chain that leads there as numbered steps, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from poollint.findings import relative_path
from poollint.output.style import BY_SEVERITY, Style, printable, visible
from poollint.output.suggestion import suggestion
from poollint.output.text import headline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.findings import Finding, Location
    from poollint.output import View

HOW = {"safe": " (--fix does it)", "unsafe": " (--fix --unsafe-fixes does it)", "display": ""}
"""How a fix is applied, by its applicability."""
LONGEST_EXCERPT = 6
"""Lines of source shown for one finding; a longer span loses its middle."""


class ExcerptLine(NamedTuple):
    """A line of source; number 0 stands for lines that were left out."""

    number: int
    text: str


def render(findings: Sequence[Finding], view: View) -> str:
    """One paragraph a finding, an empty line between them."""
    style = Style(view.colour)
    return "\n".join("".join(f"{line}\n" for line in paragraph(finding, view, style)) for finding in findings)


def paragraph(finding: Finding, view: View, style: Style) -> Iterator[str]:
    """The lines of one finding."""
    yield headline(finding, view, style)
    lines = excerpt(finding.location, view.lines(finding.location.path))
    width = max((len(str(line.number)) for line in lines), default=1)
    bar = style(f"{'':{width}} |", "dim")
    if lines:
        yield bar
    for line in lines:
        if not line.number:
            yield style("...", "dim")
            continue
        yield f"{style(f'{line.number:{width}} |', 'dim')} {line.text}".rstrip()
        if line.number == finding.location.line:
            carets = underline(finding.location, line.text)
            marked = carets.lstrip()
            yield f"{bar} {carets[: -len(marked)]}{style(marked, BY_SEVERITY[finding.severity.value], 'bold')}"
    if lines:
        yield bar
    yield from (f"{'':{width}} {line}" for line in remarks(finding, view, style))


def remarks(finding: Finding, view: View, style: Style) -> Iterator[str]:
    """The chain as numbered steps, what helps, and what the finding is called."""
    sign = style("=", "dim")
    for number, step in enumerate(finding.related, start=1):
        where = f"{printable(relative_path(step.location.path, view.start))}:{step.location.line}"
        yield f"{sign} {number}. {style(where, 'cyan')}: {printable(step.message)}"
    if finding.fix is not None:
        how = HOW[finding.fix.applicability.value] if finding.fix.edits else ""
        yield f"{sign} {style('help', 'bold')}: {printable(finding.fix.title)}{how}"
        if finding.fix.held_back:
            yield f"{sign} not by --fix: {printable(finding.fix.held_back)}"
        for line in suggestion(finding.fix, finding.location.path, view):
            yield style(line, "green" if line.startswith("+") else "red" if line.startswith("-") else "cyan")
    yield f"{sign} {finding.severity.value}, {finding.confidence.value} confidence: {finding.name}"


def excerpt(location: Location, lines: Sequence[str]) -> list[ExcerptLine]:
    """The lines of a span, its middle left out when it is long; empty when the file has changed or is gone."""
    if not 1 <= location.line <= len(lines):
        return []
    last = min(max(location.end_line, location.line), len(lines))
    numbers = list(range(location.line, last + 1))
    if len(numbers) > LONGEST_EXCERPT:
        numbers = [*numbers[: LONGEST_EXCERPT - 2], 0, numbers[-1]]
    return [ExcerptLine(number, visible(lines[number - 1]) if number else "") for number in numbers]


def underline(location: Location, text: str) -> str:
    """Carets below the first line of the span; tabs are kept before them, so that they stand in the right place."""
    start = location.column - 1
    end = location.end_column - 1 if location.end_line == location.line else len(text)
    before = "".join("\t" if character == "\t" else " " * cells(character) for character in text[:start])
    marked = sum(cells(character) for character in text[start:end].rstrip())
    return before + "^" * max(marked, 1)


def cells(character: str) -> int:
    """The columns that a character takes on a terminal."""
    if character.isascii():
        return 1
    from unicodedata import combining, east_asian_width

    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
