"""Patterns as in .gitignore, for `.gitignore` files, `exclude` and `per-file-ignores`.

What a pattern means is the business of pathspec, which is imported when a path is asked about for the first time: a
run over an unchanged tree asks about none.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pathspec import GitIgnoreSpec

_ANYTHING = "!*"
"""Put before the patterns. To pathspec a pattern that matches a folder also matches, more weakly, what lies below it.
git looks at a pattern for the folder alone, and this line outdoes the weak matches."""


class IgnoreFile:
    """The patterns of one ignore file; `decide` is asked about paths below the folder that holds it."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [line for line in (line.rstrip("\r\n") for line in lines) if line and not line.startswith("#")]

    def __bool__(self) -> bool:
        return bool(self._lines)

    def decide(self, path: str, is_directory: bool) -> bool | None:
        """True when the last matching pattern leaves `path` out, False when it takes it back in, None without a match.

        `path` is relative to the folder of the ignore file. Folders above are not looked at: who walks down asks about
        each of them first.
        """
        if not self._lines:
            return None
        found = (self._for_directories if is_directory else self._for_files).check_file(path)
        return found.include if found.index else None

    def leaves_out(self, path: str, is_directory: bool = False) -> bool:
        """Whether `path` or a folder above it is left out."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            if self.decide("/".join(parts[:depth]), is_directory or depth < len(parts)):
                return True
        return False

    @cached_property
    def _for_files(self) -> GitIgnoreSpec:
        return _compiled(self._lines)

    @cached_property
    def _for_directories(self) -> GitIgnoreSpec:
        """The same without the slash that restricts a pattern to folders."""
        return _compiled([_without_last_slash(line) for line in self._lines])


def read_lines(data: bytes) -> list[str]:
    """The lines of an ignore file's bytes; undecodable bytes never match anything that exists."""
    return data.decode("utf-8-sig", "surrogateescape").split("\n")


def _compiled(lines: Sequence[str]) -> GitIgnoreSpec:
    import warnings

    from pathspec import GitIgnoreSpec

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # from the regular expression that `[[:digit:]]` turns into
        try:
            return GitIgnoreSpec.from_lines([_ANYTHING, *lines])
        except _refusals():
            return GitIgnoreSpec.from_lines([_ANYTHING, *_accepted(lines)])


def _accepted(lines: Iterable[str]) -> Iterator[str]:
    """The lines that pathspec understands: to git, a malformed pattern matches nothing."""
    from pathspec import GitIgnoreSpec

    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except _refusals():
            continue
        yield line


def _refusals() -> tuple[type[Exception], ...]:
    """What a malformed pattern raises: pathspec's own ValueError, or what its regular expression gives rise to."""
    import re

    return (ValueError, re.error, OverflowError, RecursionError)


def _without_last_slash(line: str) -> str:
    stripped = line.rstrip(" ")
    if not stripped.endswith("/"):
        return line
    name = stripped[:-1]
    # A space that is now the last character would be cut off.
    return f"{name[:-1]}\\ " if name.endswith(" ") and not name.endswith("\\ ") else name
