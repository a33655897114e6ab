"""Comments that keep findings out of the report: flake8's `# noqa` and our `# poollint: ignore[CODE] reason`.

What flake8 suppresses is suppressed here too, so that both frontends agree. flake8 looks for `# noqa` in the text of
each physical line (strings that span lines and continued lines count as one), also inside of strings. Here any line
of the logical line counts in addition, which is what people expect of a call that is spread over lines, and codes may
be written in lower case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from tokenize import TokenInfo

    from poollint.source import SourceFile

NOQA = "noqa"
FILE_NOQA = "flake8: noqa"
IGNORE = "poollint: ignore"
OWN_PREFIX = "POL"

_NOQA = re.compile(r"# noqa(?::[\s]?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_FILE_NOQA = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*poollint\s*:\s*ignore\s*\[(?P<codes>[^\]\r\n]*)\]", re.IGNORECASE)
_CODE = re.compile(r"[A-Z][A-Z0-9]*\Z")
_SEPARATOR = re.compile(r"[,\s]+")


class IgnoreComment(Struct, frozen=True):
    """One comment of ours. Positions count from 1, in code points, the end is exclusive; `codes` are upper case."""

    line: int
    column: int
    end_column: int
    codes: tuple[str, ...]


class Suppressions:
    """The suppressions of one file. `suppresses` notes which comments were of use, for `unused`."""

    __slots__ = ("_blanket", "_ignores", "_noqa", "_of_line", "_used")

    def __init__(
        self,
        blanket: bool = False,
        noqa: dict[int, frozenset[str] | None] | None = None,
        ignores: dict[int, list[IgnoreComment]] | None = None,
        logical_lines: dict[int, tuple[int, int]] | None = None,
    ) -> None:
        self._blanket = blanket
        self._noqa = noqa or {}
        self._ignores = ignores or {}
        self._of_line = logical_lines or {}
        self._used: set[tuple[int, int, str]] = set()

    @classmethod
    def of(cls, source: SourceFile) -> Suppressions:
        """The suppressions of `source`; broken source never raises, it only has fewer of them."""
        lowered = source.data.lower()
        has_noqa, has_ours = b"noqa" in lowered, b"poollint" in lowered
        if not has_noqa and not has_ours:
            return cls()
        if has_noqa and any(_FILE_NOQA.match(line) for line in source.lines):
            return cls(blanket=True)
        layout = _Layout(source)
        noqa = _noqa_by_line(source, layout) if has_noqa else {}
        return cls(False, noqa, layout.ignores if has_ours else {}, layout.logical_lines)

    def logical_line(self, line: int) -> tuple[int, int]:
        """The first and last physical line of the logical line around `line`."""
        return self._of_line.get(line, (line, line))

    def suppresses(
        self, code: str, line: int, statement_first_line: int = 0, statement_last_line: int = 0
    ) -> str | None:
        """By what a finding with `code` in `line` is suppressed, or None when it is to be reported.

        The lines of the statement around the finding are those of the logical line when they are not given.
        """
        logical_first, logical_last = self.logical_line(line)
        first, last = statement_first_line or logical_first, statement_last_line or logical_last
        for place in dict.fromkeys((first, last, logical_first, logical_last, line)):
            for comment in self._ignores.get(place, ()):
                for prefix in comment.codes:
                    if code.startswith(prefix):
                        self._used.add((comment.line, comment.column, prefix))
                        return IGNORE
        if self._blanket:
            return FILE_NOQA
        for place in (line, *range(logical_first, logical_last + 1)):
            codes = self._noqa.get(place, frozenset())
            if codes is None or code.startswith(tuple(codes)):
                return NOQA
        return None

    def unused(
        self, enabled_codes: Collection[str], known_codes: Collection[str] = ()
    ) -> list[tuple[IgnoreComment, tuple[str, ...]]]:
        """Our comments that suppressed nothing with all or some of their codes, and those codes, for POL902.

        Ask after the last call of `suppresses`. A code that is not enabled is left out, for it had no chance; so is a
        prefix unless every one of `known_codes` that it covers is enabled. One that looks like a code of ours and
        covers none of them is always unused.
        """
        if self._blanket:
            return []
        found = []
        for comments in self._ignores.values():
            for comment in comments:
                codes = tuple(
                    code
                    for code in comment.codes
                    if (comment.line, comment.column, code) not in self._used
                    and _had_a_chance(code, enabled_codes, known_codes)
                )
                if codes:
                    found.append((comment, codes))
        return sorted(found, key=lambda each: (each[0].line, each[0].column))


def _had_a_chance(prefix: str, enabled: Collection[str], known: Collection[str]) -> bool:
    covered = [code for code in (known or enabled) if code.startswith(prefix)]
    if not covered:
        return bool(known) and prefix.startswith(OWN_PREFIX)  # Misspelt: it suppresses nothing, whatever is enabled.
    return all(code in enabled for code in covered)


class _Layout:
    """What the tokens say: logical lines, flake8's ranges of lines, and our comments. Empty for broken source."""

    def __init__(self, source: SourceFile) -> None:
        self.logical_lines: dict[int, tuple[int, int]] = {}
        self.ranges: list[tuple[int, int]] = []
        self.ignores: dict[int, list[IgnoreComment]] = {}
        self.complete = False
        self._read(source)

    def _read(self, source: SourceFile) -> None:
        import tokenize

        range_first = logical_first = range_last = 0
        try:
            for token in _tokens(source.lines):
                kind = token.type
                if kind in (tokenize.ENDMARKER, tokenize.DEDENT, tokenize.INDENT):
                    continue
                if kind == tokenize.COMMENT:
                    self._add_comment(token)
                first, last = token.start[0], token.end[0]
                range_first = min(range_first or first, first)
                range_last = max(range_last, last)
                if kind == tokenize.NEWLINE:
                    start = logical_first or first
                    if last > start:
                        self.logical_lines.update(dict.fromkeys(range(start, last + 1), (start, last)))
                    logical_first = 0
                elif kind not in (tokenize.COMMENT, tokenize.NL):
                    logical_first = logical_first or first
                if kind in (tokenize.NL, tokenize.NEWLINE):
                    self.ranges.append((range_first, range_last))
                    range_first = range_last = 0
            self.complete = True
        except (tokenize.TokenError, SyntaxError, ValueError, IndexError, RecursionError):
            # Comments before the error are still good; logical lines and ranges are those seen so far.
            return

    def _add_comment(self, token: TokenInfo) -> None:
        for found in _IGNORE.finditer(token.string):
            codes = tuple(code for code in _SEPARATOR.split(found.group("codes").strip().upper()) if _CODE.match(code))
            line, column = token.start[0], token.start[1] + found.start() + 1
            end = token.start[1] + found.end() + 1
            comment = IgnoreComment(line, column, end, tuple(dict.fromkeys(codes)))
            self.ignores.setdefault(line, []).append(comment)


def _tokens(lines: Sequence[str]) -> Iterator[TokenInfo]:
    import tokenize

    # Python reads \r\n and \r as \n; so do tokens, and columns stay the same.
    feed = (line.rstrip("\r\n") + "\n" if line.endswith(("\r", "\n")) else line for line in lines)
    return tokenize.generate_tokens(lambda: next(feed, ""))


def _noqa_by_line(source: SourceFile, layout: _Layout) -> dict[int, frozenset[str] | None]:
    """Line to the code prefixes that are suppressed in it; None stands for all codes."""
    lines = source.lines
    # Lines that no token ends stand alone: all of them in broken source, the last ones in some without a final newline.
    alone = [(line, line) for line in range(1, len(lines) + 1)]
    ranges = [*alone, *layout.ranges] if layout.complete else alone
    by_line: dict[int, frozenset[str] | None] = {}
    for first, last in ranges:
        text = "".join(lines[first - 1 : last])
        if "noqa" not in text.lower():
            continue
        codes: set[str] = set()
        everything = False
        for found in _NOQA.finditer(text):
            listed = found.group("codes")
            everything |= listed is None
            codes.update(code.upper() for code in _SEPARATOR.split(listed or "") if code)
        if everything or codes:
            by_line.update(dict.fromkeys(range(first, last + 1), None if everything else frozenset(codes)))
    return by_line
