"""Where an import goes: into the names of a statement, or onto a line of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit


def dotted(name: cst.BaseExpression) -> str:
    """The text of a name with dots."""
    if isinstance(name, cst.Attribute):
        return f"{dotted(name.value)}.{name.attr.value}"
    return name.value if isinstance(name, cst.Name) else ""


# ------------------------------------------------------------------------------------------------ an added name
def added_name(tree: FileTree, statement: cst.ImportFrom, name: str) -> tuple[Edit, ...]:
    """The edit that adds `name` to a statement, in order where its names are in order."""
    if isinstance(statement.names, cst.ImportStar):
        return ()
    aliases = list(statement.names)
    names = [alias.evaluated_name for alias in aliases]
    follower = next((alias for alias, key in zip(aliases, names, strict=True) if _goes_before(name, key, names)), None)
    if follower is not None:
        place = tree.location(follower)
        gap = tree.newline + _indentation_of(tree, place.line) if _starts_line(tree, follower) else " "
        return (tree.insert(place.line, place.column, f"{name},{gap}"),)
    last = aliases[-1]
    place = tree.location(last.asname.name if last.asname is not None else last.name)
    if not _starts_line(tree, last):
        return (tree.insert(place.end_line, place.end_column, f", {name}"),)
    gap = tree.newline + _indentation_of(tree, place.line)
    if isinstance(last.comma, cst.Comma):
        return (tree.insert(place.end_line, len(tree.source.line_text(place.end_line)) + 1, f"{gap}{name},"),)
    return (tree.insert(place.end_line, place.end_column, f",{gap}{name}"),)


def _goes_before(name: str, other: str, names: Sequence[str]) -> bool:
    """`name` sorts before `other`, by the order that `names` are in; never when they are in none."""
    orders: tuple[Callable[[str], tuple[int, str]], ...] = (_by_type, _by_letters)
    for key in orders:
        keys = [key(each) for each in names]
        if keys == sorted(keys):
            return key(name) < key(other)
    return False


def _by_type(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: what isort and ruff do."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return (kind, name)


def _by_letters(name: str) -> tuple[int, str]:
    return (0, name.casefold())


def _starts_line(tree: FileTree, node: cst.CSTNode) -> bool:
    place = tree.location(node)
    return not tree.source.line_text(place.line)[: place.column - 1].strip()


def _indentation_of(tree: FileTree, line: int) -> str:
    text = tree.source.line_text(line)
    return text[: len(text) - len(text.lstrip())]


# ---------------------------------------------------------------------------------------------- a line of its own
class Line(NamedTuple):
    """A top-level line that imports: its first and last line number, and what sorts it."""

    first: int
    last: int
    kind: int
    module: str
    is_from: bool

    @property
    def order(self) -> tuple[bool, str]:
        """`import x` comes before `from x import`, then the alphabet decides."""
        return (self.is_from, self.module.casefold())


FUTURE, STANDARD, OTHER, RELATIVE = range(4)
"""The kinds of modules, in the order of their sections."""


def new_line(tree: FileTree, module: str, name: str) -> tuple[Edit, ...]:
    """The edit that adds `from module import name` near the top of the file."""
    text = f"from {module} import {name}"
    own = Line(0, 0, _kind(module), module, is_from=True)
    lines = import_lines(tree)
    same = [line for line in lines if line.kind == own.kind]
    if same:
        related = [line for line in same if _package(line.module) == _package(module)]
        section = _section(lines, (related or same)[0])
        before = [line for line in section if line.order < own.order and line.kind == own.kind]
        if before:
            return (_below(tree, before[-1].last, text),)
        return (_above(tree, section[0].first, text + tree.newline),)
    earlier = [line for line in lines if line.kind < own.kind]
    if earlier:
        return (_below(tree, earlier[-1].last, tree.newline + text),)
    if lines:
        return (_above(tree, lines[0].first, text + tree.newline * 2),)
    return _first_import(tree, text)


def import_lines(tree: FileTree) -> list[Line]:
    """The import statements at the top of the file, up to the first statement that does something else."""
    found = []
    for index, statement in enumerate(tree.module.body):
        if isinstance(statement, cst.SimpleStatementLine):
            imports = [part for part in statement.body if isinstance(part, (cst.Import, cst.ImportFrom))]
            if len(imports) == len(statement.body) and imports:
                place = tree.location(statement)
                found.append(_line(imports[0], place.line, place.end_line))
                continue
            if (index == 0 and _is_docstring(statement)) or _sets_dunder(statement):
                continue
        if not isinstance(statement, (cst.If, cst.Try)):
            break
    return found


def _first_import(tree: FileTree, text: str) -> tuple[Edit, ...]:
    """The first import of a file: below its docstring, else above its first statement."""
    first = tree.module.body[0] if tree.module.body else None
    if first is None:
        return ()
    place = tree.location(first)
    if isinstance(first, cst.SimpleStatementLine) and _is_docstring(first):
        return (_below(tree, place.end_line, tree.newline + text),)
    line = place.line - sum(bool(each.comment) for each in getattr(first, "leading_lines", ()))
    if isinstance(first, (cst.FunctionDef, cst.ClassDef)) and first.decorators:
        line = tree.location(first.decorators[0]).line
    return (_above(tree, line, text + tree.newline * (3 if isinstance(first, (cst.FunctionDef, cst.ClassDef)) else 2)),)


def _above(tree: FileTree, line: int, text: str) -> Edit:
    """Insert before the first character of a line; `text` ends with a line ending."""
    return tree.insert(line, 1, text)


def _below(tree: FileTree, line: int, text: str) -> Edit:
    """Insert after the last character of a line, its comment included."""
    return tree.insert(line, len(tree.source.line_text(line)) + 1, tree.newline + text)


def _section(lines: Sequence[Line], member: Line) -> list[Line]:
    """The lines that stand together with `member`, without empty lines in between."""
    index = lines.index(member)
    first = last = index
    while first > 0 and lines[first - 1].last + 1 == lines[first].first:
        first -= 1
    while last + 1 < len(lines) and lines[last].last + 1 == lines[last + 1].first:
        last += 1
    return [line for line in lines[first : last + 1] if line.kind == member.kind]


def _line(statement: cst.Import | cst.ImportFrom, first: int, last: int) -> Line:
    if isinstance(statement, cst.Import):
        module = dotted(statement.names[0].name)
        return Line(first, last, _kind(module), module, is_from=False)
    module = dotted(statement.module) if statement.module is not None else ""
    return Line(first, last, RELATIVE if statement.relative else _kind(module), module, is_from=True)


def _kind(module: str) -> int:
    if module == "__future__":
        return FUTURE
    return STANDARD if _package(module) in sys.stdlib_module_names else OTHER


def _package(module: str) -> str:
    return module.partition(".")[0]


def _is_docstring(statement: cst.SimpleStatementLine) -> bool:
    part = statement.body[0]
    return isinstance(part, cst.Expr) and isinstance(part.value, (cst.SimpleString, cst.ConcatenatedString))


def _sets_dunder(statement: cst.SimpleStatementLine) -> bool:
    part = statement.body[0]
    targets = [target.target for target in part.targets] if isinstance(part, cst.Assign) else []
    return bool(targets) and all(isinstance(each, cst.Name) and each.value.startswith("__") for each in targets)
