"""Lines that move one step to the right: what stands inside of strings stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from poollint.editing.tree import FileTree

_COMPOUND = (cst.FunctionDef, cst.ClassDef, cst.If, cst.For, cst.While, cst.Try, cst.TryStar, cst.With, cst.MatchCase)
_STRINGS = (cst.SimpleString, cst.FormattedString, getattr(cst, "TemplatedString", cst.FormattedString))


def step_of(tree: FileTree, statement: cst.CSTNode) -> str:
    """One step of indentation as the code around a statement has it."""
    own = tree.indentation(statement)
    outer = tree.innermost(statement, *_COMPOUND)
    place = tree.location(outer) if outer is not None else None
    around = tree.source.line_text(place.line)[: place.column - 1] if place is not None else ""
    return own[len(around) :] if own.startswith(around) and len(own) > len(around) else tree.indent


def in_strings(tree: FileTree, first: int, last: int) -> frozenset[int]:
    """The lines from `first` to `last` that begin inside of a string."""
    found: set[int] = set()
    for node in tree.parents:
        if isinstance(node, _STRINGS):
            place = tree.location(node)
            found.update(range(place.line + 1, place.end_line + 1))
    return frozenset(line for line in found if first <= line <= last)


def shifted(tree: FileTree, first: int, last: int, step: str) -> list[str]:
    """The lines from `first` to `last`, with their endings, one step further in."""
    inside = in_strings(tree, first, last)
    lines = []
    for number in range(first, last + 1):
        line = tree.source.lines[number - 1]
        lines.append(line if number in inside or not line.strip() else step + line)
    return lines


def last_line(tree: FileTree, statement: cst.CSTNode) -> int:
    """The last line of a statement, with the comments that stand deeper below it."""
    own = len(tree.indentation(statement))
    found = tree.location(statement).end_line
    for number in range(found + 1, len(tree.source.lines) + 1):
        text = tree.source.line_text(number)
        bare = text.lstrip()
        if bare and not (bare.startswith("#") and len(text) - len(bare) > own):
            break
        if bare:
            found = number
    return found


def dedented(tree: FileTree, first: int, last: int, step: str, inner: str) -> list[str] | None:
    """The lines from `first` to `last` one step further out; None where one of them does not begin with `inner`."""
    inside = in_strings(tree, first, last)
    lines = []
    for number in range(first, last + 1):
        line = tree.source.lines[number - 1]
        if number not in inside and line.strip():
            if not line.startswith(inner):
                return None
            line = inner[: len(inner) - len(step)] + line[len(inner) :]
        lines.append(line)
    return lines
