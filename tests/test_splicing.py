"""Edits against bytes: what lies outside of their spans stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.findings import Edit, Location
from poollint.fixing.splicing import CannotApply, source_after, splice, spliced, touch
from poollint.source import SourceFile

PATH = "/x.py"
ENCODINGS = {"utf-8": "", "utf-8-sig": "", "latin-1": "# coding: latin-1", "cp1252": "# -*- coding: cp1252 -*-"}
ENDS = ("\n", "\r\n", "\r")


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
    return Edit(Location(PATH, *start, *end), text)


@st.composite
def files(draw: st.DrawFn) -> SourceFile:
    """A file of any encoding, line ending and last line."""
    encoding = draw(st.sampled_from(sorted(ENCODINGS)))
    newline = draw(st.sampled_from(ENDS))
    alphabet = st.sampled_from("ab \t\fäß#" + ("€→🙂" if encoding.startswith("utf") else ""))
    lines = draw(st.lists(st.text(alphabet, max_size=8), max_size=8))
    text = newline.join([*([ENCODINGS[encoding]] if ENCODINGS[encoding] else []), *lines])
    return SourceFile(PATH, (text + newline * draw(st.booleans())).encode(encoding))


@st.composite
def edited_files(draw: st.DrawFn) -> tuple[SourceFile, list[tuple[int, int, str]]]:
    """A file, and spans of its text that do not overlap, each with what takes its place."""
    source = draw(files())
    first = len(source.lines[0]) if source.encoding not in ("utf-8", "utf-8-sig") and source.lines else 0
    points = sorted(draw(st.lists(st.integers(first, len(source.text)), max_size=6)))
    inserted = st.text(st.sampled_from("xyz()\n"), max_size=5)
    spans = [(start, end, draw(inserted)) for start, end in zip(points[::2], points[1::2], strict=False)]
    return source, [span for number, span in enumerate(spans) if number == 0 or spans[number - 1][1] < span[0]]


def place(source: SourceFile, index: int) -> tuple[int, int]:
    """The line and column of an index in the text."""
    for number, line in enumerate(source.lines, 1):
        if index < len(line):
            return number, index + 1
        index -= len(line)
    last = source.lines[-1] if source.lines else ""
    return (len(source.lines) + 1, index + 1) if not last or last[-1] in "\r\n" else (len(source.lines), len(last) + 1)


@given(edited_files())
def test_bytes_outside_of_the_spans_stay(made: tuple[SourceFile, list[tuple[int, int, str]]]) -> None:
    source, spans = made
    edits = [edit(place(source, start), place(source, end), text) for start, end, text in spans]
    data = spliced(source, reversed(edits))
    expected, position = "", 0
    for start, end, text in spans:
        expected += source.text[position:start] + text
        position = end
    assert source_after(source, data).text == expected + source.text[position:]
    head = source.encoded(source.text[: spans[0][0]]) if spans else source.data
    tail = source.text[spans[-1][1] :].encode(source.encoding) if spans else b""
    assert data.startswith(head)
    assert data.endswith(tail)
    assert data.startswith(b"\xef\xbb\xbf") == source.has_bom


@given(files())
def test_no_edits_change_nothing(source: SourceFile) -> None:
    assert spliced(source, []) == source.data


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ([edit((1, 1), (1, 4), ""), edit((1, 3), (1, 5), "")], "overlap"),
        ([edit((1, 1), (1, 4), ""), edit((1, 2), (1, 2), "x")], "overlap"),
        ([edit((1, 4), (1, 1), "")], "ends before"),
        ([edit((9, 1), (9, 1), "")], "changed"),
        ([edit((1, 99), (1, 99), "")], "changed"),
        ([edit((2, 1), (2, 1), "€")], "encoding"),
    ],
)
def test_what_does_not_fit_is_refused(edits: list[Edit], reason: str) -> None:
    source = SourceFile(PATH, b"# coding: latin-1\nx = 1\n")
    with pytest.raises(CannotApply, match=reason):
        spliced(source, edits)


def test_an_encoding_with_a_memory_is_refused() -> None:
    source = SourceFile(PATH, "# coding: iso2022_jp\nx = 'あい'\n".encode("iso2022_jp"))
    with pytest.raises(CannotApply, match="depends on what comes before"):
        splice(source, edit((2, 7), (2, 7), "x"))
    assert spliced(source, [edit((1, 21), (1, 21), "\nimport os")]).count(b"import os") == 1


def test_the_encoding_stays() -> None:
    source = SourceFile(PATH, "x = 'ä'\n".encode())
    with pytest.raises(CannotApply, match="encoding"):
        source_after(source, b"# coding: latin-1\n" + source.data)


def test_touching() -> None:
    one = Location(PATH, 1, 1, 1, 4)
    assert touch(one, Location(PATH, 1, 4, 1, 4))
    assert touch(Location(PATH, 1, 4, 1, 6), one)
    assert not touch(one, Location(PATH, 1, 5, 1, 6))
    assert not touch(one, Location("/y.py", 1, 2, 1, 3))
