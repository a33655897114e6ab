"""Imports that edits leave without a use."""

from __future__ import annotations

import re
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing.hands_off import is_unformatted
from poollint.editing.import_lines import dotted
from poollint.editing.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poollint.findings import Edit
    from poollint.source import SourceFile

_WORD = re.compile(r"\w+")
_FROM = re.compile(r"^from[ \t]+(?:sqlalchemy|sqlmodel|contextlib|functools)\b", re.MULTILINE)
_LIBRARIES = frozenset({"sqlalchemy", "sqlmodel"}) | sys.stdlib_module_names


def without_unused(
    before: SourceFile, after: SourceFile, is_wanted: Callable[[str], bool] = lambda _name: False
) -> tuple[Edit, ...]:
    """The edits of `after` that drop names which it imports from SQLAlchemy or Python and `before` used elsewhere.

    An import stays that has a comment (`# noqa`), that stands in a block or in an `__init__.py`, and one whose name
    stands in any other place: in `__all__`, a text, a comment. `is_wanted` tells which names other files take from it.
    """
    if PurePosixPath(before.path).name == "__init__.py" or not _FROM.search(after.text):
        return ()
    lost = _words_used_once(after.text) - _words_used_once(before.text)
    lost = {name for name in lost if re.search(rf"^from .*\b{name}\b|^[ \t]+{name},?[ \t]*$", after.text, re.MULTILINE)}
    lost = {name for name in lost if not is_wanted(name)}
    tree = FileTree.of(after) if lost else None
    if tree is None:
        return ()
    return tuple(edit for line in tree.module.body for edit in _without(tree, line, lost))


def is_imported(text: str, module: str, name: str) -> bool:
    """A file with this text may import `name` from a module that is called so, whatever package it lies in."""
    statements = re.finditer(rf"\bfrom\s+[\w.]*\b{re.escape(module)}\s+import\s*(\([^)]*\)|[^\n]*)", text)
    return any(re.search(rf"\b{re.escape(name)}\b|\*", each[1]) for each in statements)


def _words_used_once(text: str) -> set[str]:
    """The words that stand in a text exactly once."""
    once: set[str] = set()
    often: set[str] = set()
    for word in _WORD.findall(text):
        (often if word in once else once).add(word)
    return once - often


def _without(tree: FileTree, line: cst.CSTNode, lost: set[str]) -> Iterator[Edit]:
    """The edit of one top-level line, when it is an import that gives a lost name."""
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return
    statement = line.body[0]
    if not isinstance(statement, cst.ImportFrom) or isinstance(statement.names, cst.ImportStar) or statement.relative:
        return
    place = tree.location(line)
    text = "".join(tree.source.line_text(number) for number in range(place.line, place.end_line + 1))
    root = dotted(statement.module).partition(".")[0] if statement.module is not None else ""
    if "#" in text or root not in _LIBRARIES or is_unformatted(tree.source, place.line):
        return
    names = list(statement.names)
    if tree.source.line_text(place.line)[: place.column - 1] or place.end_line == len(tree.source.lines):
        return
    gone = [each for each in names if each.asname is None and each.evaluated_name in lost]
    if len(gone) == len(names):
        yield _line_dropped(tree, place.line, place.end_line)
    else:
        yield from (_name_dropped(tree, names, each) for each in gone[:1])


def _line_dropped(tree: FileTree, first: int, last: int) -> Edit:
    """Without a line, and without the empty line below it where there is one above it, too."""
    is_alone = first == 1 or not tree.source.line_text(first - 1).strip()
    has_more = last + 1 < len(tree.source.lines)
    follows_empty = has_more and not tree.source.line_text(last + 1).strip()
    return tree.between((first, 1), (last + (2 if is_alone and follows_empty else 1), 1), "")


def _name_dropped(tree: FileTree, names: list[cst.ImportAlias], gone: cst.ImportAlias) -> Edit:
    """Without one of several names, and without the comma and the space that part it from the next or the last one."""
    index = names.index(gone)
    place = tree.location(gone.name)
    if index + 1 < len(names):
        follower = tree.location(names[index + 1])
        return tree.between((place.line, place.column), (follower.line, follower.column), "")
    previous = names[index - 1]
    end = tree.location(previous.asname.name if previous.asname is not None else previous.name)
    return tree.between((end.end_line, end.end_column), (place.end_line, place.end_column), "")
