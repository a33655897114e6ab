"""Patterns as in .gitignore, for `.gitignore` files and for `exclude`.

The patterns are translated here instead of by a library: importing one costs more than listing a thousand files.
Names repeat (`__init__.py`), so patterns without a slash are matched against the name only and the answer is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """One line of an ignore file. `regex` matches a name if `name_only`, else the path below the file's folder."""

    regex: str
    negated: bool
    directory_only: bool
    name_only: bool


_NEVER = "(?!)"
_POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "\\x21-\\x7e",
    "lower": "a-z",
    "print": "\\x20-\\x7e",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r\\f\\v",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


def parse_line(line: str) -> IgnorePattern | None:
    """One line of an ignore file, or None for comments and empty lines."""
    text = _without_trailing_spaces(line.rstrip("\r\n"))
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    if negated:
        text = text[1:]
    directory_only = text.endswith("/")
    if directory_only:
        text = text[:-1]
    anchored = "/" in text
    text = text.removeprefix("/")
    while text.startswith("**/") and "/" not in text[3:]:
        text, anchored = text[3:], False
    if not text:
        return None
    return IgnorePattern(_valid(_translated(text)), negated, directory_only, not anchored)


class IgnoreFile:
    """The compiled patterns of one ignore file; `decide` is asked about paths below the folder that holds it."""

    __slots__ = ("_name_answers", "_paths", "_patterns", "_quick_name", "_quick_path")

    def __init__(self, lines: Sequence[str]) -> None:
        parsed = [pattern for pattern in map(parse_line, lines) if pattern is not None]
        self._patterns = [(pattern, _compiled(pattern.regex)) for pattern in reversed(parsed)]
        self._quick_name = _union(pattern.regex for pattern in parsed if pattern.name_only)
        self._quick_path = _union(pattern.regex for pattern in parsed if not pattern.name_only)
        self._name_answers: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def decide(self, path: str, name: str, is_directory: bool) -> bool | None:
        """True when the last matching pattern leaves `path` out, False when it takes it back in, None without a match.

        `path` is relative to the folder of the ignore file and ends in `name`. Folders above are not looked at: who
        walks down asks about each of them first.
        """
        if self._quick_name is not None:
            matched = self._name_answers.get(name)
            if matched is None:
                matched = self._name_answers[name] = self._quick_name.match(name) is not None
        else:
            matched = False
        if not matched and (self._quick_path is None or self._quick_path.match(path) is None):
            return None
        for pattern, regex in self._patterns:
            if pattern.directory_only and not is_directory:
                continue
            if regex.match(name if pattern.name_only else path) is not None:
                return not pattern.negated
        return None

    def leaves_out(self, path: str, is_directory: bool = False) -> bool:
        """Whether `path` or a folder above it is left out."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            last = depth == len(parts)
            if self.decide("/".join(parts[:depth]), parts[depth - 1], is_directory or not last):
                return True
        return False


def read_lines(data: bytes) -> list[str]:
    """The lines of an ignore file's bytes; undecodable bytes never match anything that exists."""
    return data.decode("utf-8-sig", "surrogateescape").split("\n")


def _union(expressions: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = list(dict.fromkeys(expressions))
    return _compiled("|".join(f"(?:{alternative})" for alternative in alternatives)) if alternatives else None


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{expression})\Z", re.DOTALL)


def _valid(expression: str) -> str:
    """The expression, or one that never matches when a range in it is reversed."""
    try:
        _compiled(expression)
    except (re.error, OverflowError, RecursionError):
        return _NEVER
    return expression


def _without_trailing_spaces(text: str) -> str:
    stripped = text.rstrip(" ")
    if len(stripped) < len(text):
        backslashes = len(stripped) - len(stripped.rstrip("\\"))
        if backslashes % 2:
            return stripped + " "
    return stripped


def _translated(text: str) -> str:
    segments = text.split("/")
    out: list[str] = []
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**" and len(segments) > 1:
            out.append(".+" if last else "(?:.+/)?")
            continue
        translated = _translated_segment(segment)
        if translated is None:
            return _NEVER
        out.append(translated if last else translated + "/")
    return "".join(out)


def _translated_segment(segment: str) -> str | None:
    """The regular expression of one path segment, or None when the pattern is malformed and matches nothing."""
    out: list[str] = []
    index = 0
    while index < len(segment):
        character = segment[index]
        index += 1
        if character == "*":
            if not out or out[-1] != "[^/]*":
                out.append("[^/]*")
        elif character == "?":
            out.append("[^/]")
        elif character == "\\":
            if index == len(segment):
                return None
            out.append(re.escape(segment[index]))
            index += 1
        elif character == "[":
            bracket = _translated_bracket(segment, index)
            if bracket is None:
                return None
            expression, index = bracket
            out.append(expression)
        else:
            out.append(re.escape(character))
    return "".join(out)


def _translated_bracket(segment: str, index: int) -> tuple[str, int] | None:
    """A bracket expression from behind its `[`: the expression and the index behind its `]`."""
    negated = segment[index : index + 1] in ("!", "^")
    index += negated
    out: list[str] = []
    first = True
    while index < len(segment):
        character = segment[index]
        index += 1
        if character == "]" and not first:
            body = "".join(out)
            return (f"[^/{body}]" if negated else f"(?!/)[{body}]"), index
        first = False
        if character == "[" and segment[index : index + 1] == ":":
            end = segment.find(":]", index + 1)
            if end > 0:
                members = _POSIX_CLASSES.get(segment[index + 1 : end])
                if members is None:
                    return None
                out.append(members)
                index = end + 2
                continue
        if character == "\\":
            character = segment[index : index + 1]
            if not character:
                return None
            index += 1
            out.append(re.escape(character))
        else:
            out.append(character if character == "-" else re.escape(character))
    return None
