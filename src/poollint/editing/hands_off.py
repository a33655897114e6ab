"""Code that is not to be edited by a machine: generated files, and regions without formatting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poollint.findings import Edit
    from poollint.source import SourceFile

_GENERATED = re.compile(
    r"#.*(?:@generated|\bautomatically generated\b|\bauto-?generated\b|\bDO NOT EDIT\b)", re.IGNORECASE
)
_HEADER_LINES = 10
_FORMATTING = re.compile(r"#\s*(?:fmt|yapf):\s*(?:off|skip|disable)\b")
_OFF = re.compile(r"^\s*#\s*(?:fmt:\s*off|yapf:\s*disable)\b")
_ON = re.compile(r"^\s*#\s*(?:fmt:\s*on|yapf:\s*enable)\b")


def reason_against(edits: Iterable[Edit], sources: Sequence[SourceFile]) -> str:
    """Why `edits` must not be made in `sources`; "" when nothing speaks against it."""
    by_path = {source.path: source for source in sources}
    for edit in edits:
        source = by_path.get(edit.location.path)
        if source is None:
            return "it would edit a file that cannot be read"
        if is_generated(source):
            return "the file says that it is generated"
        if any(is_unformatted(source, line) for line in (edit.location.line, edit.location.end_line)):
            return "the code stands between fmt: off and fmt: on"
    return ""


def is_generated(source: SourceFile) -> bool:
    """One of the first lines says that a program wrote the file."""
    return any(_GENERATED.search(line) for line in source.lines[:_HEADER_LINES])


def holds_formatting(source: SourceFile, first: int, last: int) -> bool:
    """A comment in these lines takes code away from formatters, or a form feed stands there."""
    lines = [source.line_text(number) for number in range(first, last + 1)]
    return any(_FORMATTING.search(line) or "\f" in line for line in lines)


def is_unformatted(source: SourceFile, line: int) -> bool:
    """The line stands after a `# fmt: off` without a `# fmt: on` in between."""
    for text in reversed(source.lines[: max(line - 1, 0)]):
        if _ON.match(text):
            return False
        if _OFF.match(text):
            return True
    return False
