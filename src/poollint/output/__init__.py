"""How findings are written: one module a format, each a pure function from findings to text."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from poollint.findings import Finding

FORMATS = ("text", "full", "json")


class View(NamedTuple):
    """What a format needs besides the findings.

    `start` is the directory that paths are relative to; `lines` gives the lines of a file by its absolute path,
    without their ends, and none when the file cannot be read.
    """

    start: Path
    lines: Callable[[str], Sequence[str]]
    colour: bool = False


class Renderer(Protocol):
    """The whole output of a run; it ends with a line feed unless it is empty."""

    def __call__(self, findings: Sequence[Finding], view: View) -> str: ...


def renderer(name: str) -> Renderer:
    """The format called `name`, one of `FORMATS`; imports that format alone. Raises KeyError for another name."""
    if name not in FORMATS:
        raise KeyError(name)
    chosen: Renderer = import_module(f"poollint.output.{name}").render
    return chosen
