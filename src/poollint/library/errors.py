"""The one error of this package; it costs nothing to import."""

from __future__ import annotations


class LibraryError(Exception):
    """A file of knowledge cannot be used.

    `path` is the file as it was given, `line` counts from 1 (the key at fault when it is there, else its row), `key`
    is the key or section at fault ("" when the file as a whole is), `reason` says what is wrong.
    """

    def __init__(self, path: str, line: int, key: str, reason: str) -> None:
        super().__init__(f"{path}:{line}: {key}: {reason}" if key else f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.key = key
        self.reason = reason
