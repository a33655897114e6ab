"""Colours for a terminal, and texts that cannot disturb it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from poollint.findings import Severity

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
BY_SEVERITY = {"error": "red", "warning": "yellow", "info": "blue"}


class Style:
    """Wraps texts in ANSI codes, or leaves them as they are."""

    __slots__ = ("enabled",)

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, text: str, *names: str) -> str:
        """`text` in the colours and weights of `names` (keys of `CODES`)."""
        if not self.enabled or not text:
            return text
        return f"\x1b[{';'.join(CODES[name] for name in names)}m{text}\x1b[0m"

    def severity(self, text: str, severity: Severity) -> str:
        """`text` in the colour of `severity`, bold."""
        return self(text, BY_SEVERITY[severity.value], "bold")


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to write colours: NO_COLOR and FORCE_COLOR (when not empty) decide, else a terminal that has them."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def printable(text: str) -> str:
    """`text` on one line and free of control characters: each becomes its escape. Tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in "\t\u00a0\u3000" or 0xDC80 <= ord(character) <= 0xDCFF
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def visible(text: str) -> str:
    """A line of source with each control character but the tab replaced by one sign, so that columns stay."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in "\t\u00a0\u3000"
        else chr(0x2400 + ord(character))
        if character < " "
        else "\ufffd"
        for character in text
    )
