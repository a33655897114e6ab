"""One source file: its bytes as text, its lines, and the one conversion between kinds of columns.

Three kinds of columns are in use. `ast` counts UTF-8 bytes from 0, whatever the file's encoding; findings, libcst and
people count code points; the language server protocol counts UTF-16 units. Tabs and form feeds count one in all three.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poollint.chunks import Chunk, ChunkFinder
    from poollint.findings import Location

_BOM = b"\xef\xbb\xbf"
_NEWLINE = re.compile(r"\r\n|\r|\n")
_FIRST_TWO_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)?[^\r\n]*")


class SourceError(ValueError):
    """The bytes are no Python source text. `line` is 0 when no line can be named."""

    def __init__(self, path: str, message: str, line: int = 0) -> None:
        super().__init__(path, message, line)
        self.path = path
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


class SourceFile:
    """The text of one file. `path` is what locations carry, so it is absolute and uses `/`.

    Lines count from 1. Columns here count from 0, except in `location`, which speaks the language of findings.

    `lenient` reads bytes that the encoding does not allow as U+FFFD, and says so in `is_exact`: until 3.12, CPython
    runs a file that has them in a comment.

    Raises:
        SourceError: null bytes, an unknown encoding, or bytes that the encoding does not allow.
    """

    __slots__ = ("_finder", "_lines", "data", "encoding", "has_bom", "is_exact", "path", "text")

    def __init__(self, path: str, data: bytes, lenient: bool = False) -> None:
        self.path = path
        self.data = data
        self.has_bom = data.startswith(_BOM)
        self.encoding = _declared_encoding(path, data)
        self.is_exact = True
        try:
            self.text = _decoded(path, data, self.encoding)
        except SourceError:
            if not lenient:
                raise
            self.text = _decoded(path, data, self.encoding, "replace")
            self.is_exact = False
        self._lines: list[str] | None = None
        self._finder: ChunkFinder | None = None

    @property
    def newline(self) -> str:
        """The first line ending of the file; "\\n" when it has none."""
        found = _NEWLINE.search(self.text)
        return found.group() if found else "\n"

    @property
    def lines(self) -> list[str]:
        """The lines with their endings, split where Python splits: after \\n, \\r\\n and \\r only."""
        if self._lines is None:
            self._lines = _split(self.text)
        return self._lines

    def line_text(self, line: int) -> str:
        """One line without its ending; "" outside of the file."""
        if not 1 <= line <= len(self.lines):
            return ""
        return self.lines[line - 1].rstrip("\r\n")

    def code_point_column(self, line: int, byte_column: int) -> int:
        """The code point column of a UTF-8 byte column as `ast` gives it, cut to the line's length."""
        text = self.line_text(line)
        if text.isascii():
            return max(0, min(byte_column, len(text)))
        return len(_utf8(text)[: max(0, byte_column)].decode("utf-8", "ignore"))

    def byte_column(self, line: int, column: int) -> int:
        """The UTF-8 byte column, as `ast` counts, of a code point column."""
        text = self.line_text(line)
        head = text[: max(0, column)]
        return len(head) if text.isascii() else len(_utf8(head))

    def utf16_column(self, line: int, column: int) -> int:
        """The UTF-16 column, as editors count, of a code point column."""
        head = self.line_text(line)[: max(0, column)]
        return len(head) if head.isascii() else len(_utf16(head)) // 2

    def code_point_column_of_utf16(self, line: int, utf16_column: int) -> int:
        """The code point column of a UTF-16 column, cut to the line's length."""
        text = self.line_text(line)
        if text.isascii():
            return max(0, min(utf16_column, len(text)))
        return len(_utf16(text)[: 2 * max(0, utf16_column)].decode("utf-16-le", "ignore"))

    def location(self, line: int, byte_column: int, end_line: int, end_byte_column: int) -> Location:
        """The place of a finding from a position of `ast`: columns from 1, in code points, the end exclusive."""
        from poollint.findings import Location

        return Location(
            self.path,
            line,
            self.code_point_column(line, byte_column) + 1,
            end_line,
            self.code_point_column(end_line, end_byte_column) + 1,
        )

    def text_of(self, location: Location) -> str:
        """The source text between the ends of a location of this file."""
        if location.line == location.end_line:
            return self.line_text(location.line)[location.column - 1 : location.end_column - 1]
        first = self.lines[location.line - 1 : location.line]
        between = self.lines[location.line : location.end_line - 1]
        last = self.line_text(location.end_line)[: location.end_column - 1]
        return "".join((*(line[location.column - 1 :] for line in first), *between, last))

    def chunk(self, line: int) -> Chunk:
        """The piece of source to look at for a finding in `line`: the outermost function or method around it with
        its decorators, or the top-level statement; module-level classes and blocks are descended into."""
        if self._finder is None:
            from poollint.chunks import ChunkFinder

            self._finder = ChunkFinder(self)
        return self._finder.chunk(line)

    def encoded(self, text: str) -> bytes:
        """`text` as the bytes of this file: its encoding, and its byte order mark where it has one.

        Raises UnicodeEncodeError when the encoding has no such character.
        """
        return (_BOM if self.has_bom else b"") + text.encode(self.encoding)


def _declared_encoding(path: str, data: bytes) -> str:
    """The encoding that PEP 263 gives the file, without the byte order mark: "utf-8" where nothing is declared."""
    head = _FIRST_TWO_LINES.match(data)
    if head is None or b"coding" not in head.group():
        return "utf-8"
    from tokenize import detect_encoding

    # Python ends lines at a lone \r too, which readline of a bytes stream does not.
    lines = iter(head.group().replace(b"\r\n", b"\n").replace(b"\r", b"\n").splitlines(keepends=True))
    try:
        encoding, _ = detect_encoding(lambda: next(lines))
    except (SyntaxError, LookupError, ValueError) as error:
        message = str(error).removesuffix(f" for {path!r}")
        raise SourceError(path, f"{message[:1].lower()}{message[1:]}", 1) from None
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _decoded(path: str, data: bytes, encoding: str, errors: str = "strict") -> str:
    null = data.find(b"\0")
    if null >= 0:
        raise SourceError(path, "source text cannot contain null bytes", len(_split_bytes(data[:null])))
    body = data[3:] if data.startswith(_BOM) else data
    try:
        return body.decode(encoding, errors)
    except UnicodeDecodeError as error:
        line = len(_split_bytes(body[: error.start]))
        raise SourceError(path, f"is not valid {encoding}: {error.reason}", line) from None
    except (LookupError, ValueError, TypeError, AssertionError) as error:
        raise SourceError(path, f"cannot be decoded as {encoding}: {error}", 1) from None


def _split_bytes(head: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\r|\n", head)


def _split(text: str) -> list[str]:
    if "\r" not in text:
        lines = [line + "\n" for line in text.split("\n")]
        lines[-1] = lines[-1][:-1]
    else:
        lines, start = [], 0
        for ending in _NEWLINE.finditer(text):
            lines.append(text[start : ending.end()])
            start = ending.end()
        lines.append(text[start:])
    if not lines[-1]:
        lines.pop()
    return lines


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")
