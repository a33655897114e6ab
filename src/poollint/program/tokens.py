"""Which identifiers occur in which file: in code, in comments and in strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

QUESTIONS_BEFORE_INDEX = 300

_IDENTIFIER_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_IDENTIFIERS = frozenset(bytes((byte,)) for byte in _IDENTIFIER_BYTES)
_BLANKED = bytes(byte if byte in _IDENTIFIER_BYTES else ord(" ") for byte in range(256))


def tokens_of(data: bytes) -> frozenset[bytes]:
    """The identifiers and numbers in some content. (Twice as fast as an expression that finds identifiers alone.)"""
    return frozenset(data.translate(_BLANKED).split())


def occurrences(data: bytes, word: bytes) -> Iterator[int]:
    """Where an identifier stands, as a whole word. (Names are many, and to compile an expression for each takes longer
    than to look for it.)"""
    size = len(word)
    start = data.find(word)
    while start >= 0:
        end = start + size
        if (not start or data[start - 1] not in _IDENTIFIER_BYTES) and data[end : end + 1] not in _IDENTIFIERS:
            yield start
        start = data.find(word, end)


class Tokens:
    """The tokens of each file, split when they are asked for."""

    def __init__(self, files: tuple[str, ...], data: Callable[[str], bytes]) -> None:
        self._files = files
        self._data = data
        self._of: dict[str, frozenset[bytes]] = {}
        self._all: list[tuple[str, frozenset[bytes]]] = []
        self._index: dict[bytes, list[str]] | None = None
        self._questions = 0

    def of(self, path: str) -> frozenset[bytes]:
        """The tokens of one file."""
        found = self._of.get(path)
        if found is None:
            found = self._of[path] = tokens_of(self._data(path))
        return found

    def naming(self, paths: Iterable[str], tokens: frozenset[bytes]) -> list[str]:
        """Those of the files in which any of the tokens occurs."""
        return [path for path in paths if not tokens.isdisjoint(self.of(path))]

    def files(self, token: bytes) -> list[str]:
        """The files in which a token occurs, in order. Many questions pay for an index over all tokens."""
        if self._index is None:
            if not self._all:
                self._all = [(path, self.of(path)) for path in self._files]
            self._questions += 1
            if self._questions <= QUESTIONS_BEFORE_INDEX:
                return [path for path, tokens in self._all if token in tokens]
            self._index = {}
            for path, tokens in self._all:
                for each in tokens:
                    self._index.setdefault(each, []).append(path)
        return self._index.get(token, [])
