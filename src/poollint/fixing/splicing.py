"""Edits against the bytes of a file: what lies outside of their spans stays as it is, byte by byte. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from poollint.source import SourceError, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poollint.findings import Edit, Location


class CannotApply(ValueError):
    """The edits do not fit the file; the text says why, as the end of the sentence "held back: ..."."""


class Splice(NamedTuple):
    """Replace the bytes from `start` up to `end` with `data`."""

    start: int
    end: int
    data: bytes


def spliced(source: SourceFile, edits: Iterable[Edit]) -> bytes:
    """The bytes of `source` after `edits`, which are all of this file. Raises `CannotApply`."""
    ordered = sorted(edits, key=lambda edit: edit.location)
    if any(overlap(one.location, other.location) for one, other in pairwise(ordered)):
        raise CannotApply("its edits overlap")
    splices = [splice(source, edit) for edit in ordered]
    return joined(source.data, splices)


def joined(data: bytes, splices: Sequence[Splice]) -> bytes:
    """`data` with splices that are in order and do not overlap."""
    parts: list[bytes] = []
    position = 0
    for each in splices:
        parts += (data[position : each.start], each.data)
        position = each.end
    return b"".join((*parts, data[position:]))


def splice(source: SourceFile, edit: Edit) -> Splice:
    """An edit as bytes. Raises `CannotApply` when the encoding cannot say it, or says it in a context of its own."""
    place = edit.location
    start = offset(source, place.line, place.column)
    end = offset(source, place.end_line, place.end_column)
    if start > end:
        raise CannotApply("an edit ends before it begins")
    try:
        head, middle = (source.encoded(source.text[:position]) for position in (start, end))
        data = edit.text.encode(source.encoding)
    except UnicodeError:
        raise CannotApply(f"the encoding of the file ({source.encoding}) has no sign for its text") from None
    if not (source.data.startswith(head) and source.data.startswith(middle)):
        raise CannotApply(f"the encoding of the file ({source.encoding}) depends on what comes before")
    return Splice(len(head), len(middle), data)


def offset(source: SourceFile, line: int, column: int) -> int:
    """The index in the text of a place; line and column count from 1. Raises `CannotApply` for one outside."""
    if not 1 <= line <= len(source.lines) + 1:
        raise CannotApply("the file has changed")
    before = sum(map(len, source.lines[: line - 1]))
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    if not 1 <= column <= len(text) + 1:
        raise CannotApply("the file has changed")
    return before + column - 1


def overlap(one: Location, other: Location) -> bool:
    """Both spans hold a character of the file, or one holds the point between two characters where the other is."""
    first, second = sorted((one, other))
    return (second.line, second.column) < (first.end_line, first.end_column)


def touch(one: Location, other: Location) -> bool:
    """The spans overlap, or one begins where the other ends."""
    if one.path != other.path:
        return False
    first, second = sorted((one, other))
    return (second.line, second.column) <= (first.end_line, first.end_column)


def source_after(source: SourceFile, data: bytes) -> SourceFile:
    """The file with new bytes. Raises `CannotApply` when they are no text in its encoding any more."""
    try:
        after = SourceFile(source.path, data)
    except SourceError as error:
        raise CannotApply(f"the file could not be read afterwards: {error.message}") from None
    if after.encoding != source.encoding:
        raise CannotApply("it would change the encoding of the file")
    return after
