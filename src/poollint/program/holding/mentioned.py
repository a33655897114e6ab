"""Which functions mention something that waits, as far as the bytes of a file tell: what need not be parsed at all."""

from __future__ import annotations

import re
from bisect import bisect
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.program.tokens import occurrences
from poollint.program.written_imports import IMPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Each begins with a word: `re` looks for a first word ten times as fast as for a boundary in front of it.
_DEFINED = re.compile(rb"def[ \t]+(\w+)").finditer
_AS = re.compile(rb" as[ \t]+(\w+)").finditer
_LAST_WORD = re.compile(rb"\w+$").search
_OPENS = re.compile(rb"[ \t]*\(").match
_RENAMED = re.compile(rb"\s+as\s+(\w+)").match
_FIRST_WORD = re.compile(rb"(\w+)(?:\.\w+)*\.$").search
_PARAMETERS = re.compile(rb"(\w+)[ \t]*:([^,=]*)").findall
_SIGNATURE_ENDS = re.compile(rb":[ \t]*(?:#[^\r\n]*)?[\r\n]").search
_WORDS = re.compile(rb"\w+").findall


def imported_words(data: bytes) -> set[bytes]:
    """The names that a file imports, as far as the word `import` tells; some words of comments are among them."""
    return {word for match in IMPORTS(data) for word in _WORDS(match[1])}


def words_bound_from(data: bytes, names: frozenset[bytes]) -> set[bytes]:
    """What the import statements bind that mention one of the names, as far as the bytes tell."""
    found: set[bytes] = set()
    for match in IMPORTS(data):
        line = data.rfind(b"\n", 0, match.start()) + 1
        statement = _WORDS(data[line : match.end()])
        if not names.isdisjoint(statement):
            found.update(_WORDS(match[1]))
    return found


class Text(Struct, frozen=True):
    """A function as bytes: its signature, and all of it, nested functions included. `body` is where the body begins, 0
    where it stands in the line of the signature."""

    name: bytes
    signature: bytes
    whole: bytes
    body: int

    def mentions(self, words: frozenset[bytes]) -> bool:
        """The signature mentions one of the words."""
        return not words.isdisjoint(_WORDS(self.signature))

    def callers(self, name: bytes) -> Iterator[bytes]:
        """The first word of each call of something of this name: b"session" of `session.bind.execute()`, else b""."""
        for place in occurrences(self.whole, name):
            if place >= self.body and _OPENS(self.whole, place + len(name)):
                before = _FIRST_WORD(self.whole, max(0, place - 120), place)
                yield before[1] if before is not None else b""

    def parameters(self, annotations: frozenset[bytes]) -> set[bytes]:
        """The parameters whose annotation mentions one of the words."""
        return {name for name, text in _PARAMETERS(self.signature) if not annotations.isdisjoint(_WORDS(text))}


def renamed(data: bytes, names: frozenset[bytes]) -> frozenset[bytes]:
    """What `name as other` calls one of the names."""
    found = ((_LAST_WORD(data, max(0, match.start() - 80), match.start()), match[1]) for match in _AS(data))
    return frozenset(other for name, other in found if name is not None and name[0] in names)


def functions_given(data: bytes, words: frozenset[bytes]) -> Iterator[Text]:
    """The functions whose signature mentions one of the words."""
    starts = list(_DEFINED(data))
    begins = [match.start() for match in starts]
    for number in sorted({bisect(begins, place) - 1 for word in words for place in _places(data, word)} - {-1}):
        match = starts[number]
        margin = _margin(data, match.start())
        following = (each.start() for each in starts[number + 1 :] if _margin(data, each.start()) <= margin)
        whole = data[match.start() : next(following, len(data))]
        ends = _SIGNATURE_ENDS(whole)
        signature = whole[: ends.end()] if ends is not None else whole
        if not words.isdisjoint(_WORDS(signature)):
            yield Text(match[1], signature, whole, len(signature) if ends is not None else 0)


def _margin(data: bytes, start: int) -> int:
    """The column of a function's first word."""
    line = max(data.rfind(b"\n", 0, start), data.rfind(b"\r", 0, start)) + 1
    return len(data[line:start]) - len(data[line:start].lstrip())


def functions_mentioning(data: bytes, modules: Iterable[bytes], functions: Iterable[bytes]) -> frozenset[bytes]:
    """The names of the functions in whose text a name stands that is imported from one of the modules, or in which one
    of `functions` is called."""
    functions = tuple(functions)
    bound = {name for word in (*modules, *functions) for name in _bound_by_imports(data, word)}
    places = {place for word in bound for place in _places(data, word)}
    for word in functions:
        places.update(place for place in _places(data, word) if _OPENS(data, place + len(word)))
    if not places:
        return frozenset()
    starts = []
    names = []
    for match in _DEFINED(data):
        starts.append(match.start())
        names.append(match[1])
    return frozenset(names[number - 1] for number in {bisect(starts, place) for place in places} if number)


def _places(data: bytes, word: bytes) -> list[int]:
    return list(occurrences(data, word))


def _bound_by_imports(data: bytes, word: bytes) -> set[bytes]:
    """The names that the import statements bind whose first line mentions the word, or that rename it."""
    found: set[bytes] = set()
    for place in _places(data, word):
        start = data.rfind(b"\n", 0, place) + 1
        renamed = _RENAMED(data, place + len(word))
        if data[start:place].lstrip().startswith((b"import ", b"from ")):
            match = next(IMPORTS(data, start), None)
            if match is not None:
                found.update(_WORDS(match[1]))
        elif renamed is not None:
            found.add(renamed[1])
    return found - {b"as"}
