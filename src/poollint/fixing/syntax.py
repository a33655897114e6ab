"""Whether an edited file is still one that every Python of before can parse."""

from __future__ import annotations

import ast
import sys
import warnings

OLDEST_MINOR = 7
"""The first 3.x whose syntax `ast` still tells apart."""


def oldest_syntax(text: str) -> int | None:
    """The minor version of the oldest Python 3 whose grammar fits; None when the running one does not parse it."""
    return next((minor for minor in range(OLDEST_MINOR, sys.version_info.minor + 1) if fits(text, minor)), None)


def fits(text: str, minor: int) -> bool:
    """Whether Python 3.`minor` could parse the text, as far as `ast` knows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text, feature_version=(3, minor))
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True


def compiles(text: str) -> bool:
    """Whether the running Python accepts it: a parser lets `await` outside of a coroutine pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "<edited>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True


def is_kept(before: str, after: str) -> bool:
    """Whether everything that could read the file before can read it now."""
    oldest = oldest_syntax(before)
    return oldest is not None and fits(after, oldest) and (compiles(after) or not compiles(before))
