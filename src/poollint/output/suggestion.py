"""What a fix would change, as the lines of a small diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import relative_path
from poollint.output.style import printable, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.findings import Edit, Fix
    from poollint.output import View

LONGEST_SUGGESTION = 16
"""Lines shown of one fix."""


def suggestion(fix: Fix, path: str, view: View) -> list[str]:
    """The lines that go, with a minus, and those that come, with a plus; other files than `path` are named."""
    by_path: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        by_path.setdefault(edit.location.path, []).append(edit)
    shown: list[str] = []
    for edited, edits in by_path.items():
        if edited != path:
            shown.append(f"in {printable(relative_path(edited, view.start))}:")
        for group in neighbours(sorted(edits, key=lambda edit: edit.location)):
            shown += changed(group, view.lines(edited))
    return [*shown[: LONGEST_SUGGESTION - 1], "..."] if len(shown) > LONGEST_SUGGESTION else shown


def neighbours(edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    """The edits, those that share a line together."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.location.line > max(each.location.end_line for each in group):
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def changed(edits: Sequence[Edit], lines: Sequence[str]) -> list[str]:
    """The lines of some edits before and after, without those that are equal at the beginning and the end."""
    first, last = edits[0].location.line, max(edit.location.end_line for edit in edits)
    old = list(lines[first - 1 : last])
    text = "\n".join(old)
    for edit in sorted(edits, key=lambda each: each.location, reverse=True):
        place = edit.location
        start, end = index(old, place.line - first, place.column), index(old, place.end_line - first, place.end_column)
        text = text[:start] + edit.text + text[end:]
    new = text.replace("\r\n", "\n").split("\n")
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return [*(f"- {visible(line)}" for line in old), *(f"+ {visible(line)}" for line in new)]


def index(lines: Sequence[str], row: int, column: int) -> int:
    """Where a place is in the joined lines; rows count from 0, columns from 1."""
    return sum(len(line) + 1 for line in lines[:row]) + column - 1
