"""Whether a file does more with a class than to import it and to write it into annotations, as its bytes tell.

Most files that name a class name it as a type. Such a file makes no instance, and need not be parsed to find that out.
"""

from __future__ import annotations

import re

from poollint.program.tokens import occurrences

_BRACKETS = re.compile(rb"[()\[\]{}]").finditer
_SIGNATURE = re.compile(rb"def[ \t]+\w+[ \t]*(?:\[[^\]]*\])?[ \t]*$").search
_TYPE_TEST = re.compile(rb"(?:isinstance|issubclass)[ \t]*$").search
_SUBSCRIBED = re.compile(rb"\w[ \t]*$").search
_TYPE_ONLY = re.compile(rb"[\w\s.|\[,\\]*").fullmatch
_RENAMED = re.compile(rb"[ \t]+as\b").match
_INJECTS = b"Depends"
"""FastAPI makes the object that an annotation names: `store: Store = Depends()`."""
_IMPORT = re.compile(rb"[ \t]*(?:from|import)\b").match
FARTHEST = 3000
"""Bytes before a name that are looked at: longer signatures count as uses."""


def is_used(data: bytes, word: bytes) -> bool:
    """The word stands somewhere that is no import, no annotation, no type test and no comment; or has another name."""
    if _INJECTS in data:
        return True
    size = len(word)
    return any(_RENAMED(data, place + size) or not _is_type(data, place) for place in occurrences(data, word))


def _is_type(data: bytes, place: int) -> bool:
    start = data.rfind(b"\n", 0, place) + 1
    line = data[start:place]
    if _IMPORT(line) or line.lstrip().startswith(b"#"):
        return True
    before = data[max(0, place - FARTHEST) : place]
    opener = _innermost(before)
    while opener >= 0 and before[opener : opener + 1] == b"[" and _SUBSCRIBED(before, 0, opener):
        opener = _innermost(before[:opener])
    if opener < 0:
        return _is_annotation(before, len(before) - len(line))
    if before[opener : opener + 1] != b"(":
        return False
    if _TYPE_TEST(before, 0, opener) or _is_bare_import(before, opener):
        return True
    return _SIGNATURE(before, 0, opener) is not None and _type_begins(before[opener + 1 :]) >= 0


def _innermost(before: bytes) -> int:
    """The last bracket that is open at the end of the text; -1 when there is none."""
    depth = 0
    for bracket in reversed(list(_BRACKETS(before))):
        depth += 1 if bracket[0] in b")]}" else -1
        if depth < 0:
            return bracket.start()
    return -1


def _type_begins(text: bytes) -> int:
    """Where the colon or arrow is with nothing but a type after it; -1 when there is none."""
    arrow, colon = text.rfind(b"->"), text.rfind(b":")
    if arrow > colon:
        return arrow if _TYPE_ONLY(text, arrow + 2) else -1
    return colon if colon >= 0 and _TYPE_ONLY(text, colon + 1) else -1


def _is_annotation(before: bytes, start: int) -> bool:
    """`name: Class` or `-> Class` outside of brackets; `start` is where the line begins."""
    line = before[start:]
    found = _type_begins(line)
    if found < 0:
        return False
    head = line[:found]
    if line[found : found + 2] == b"->":
        return True
    return re.fullmatch(rb"[ \t]*[\w.]+[ \t]*", head) is not None and head.strip() not in _KEYWORDS


_KEYWORDS = frozenset((b"else", b"try", b"finally", b"lambda"))


def _is_bare_import(before: bytes, opener: int) -> bool:
    """The bracket of `from x import (`."""
    start = before.rfind(b"\n", 0, opener) + 1
    return before[start:opener].rstrip().endswith(b"import") and _IMPORT(before[start:opener]) is not None
