"""Which statements of a module bind which of its names, and where a name stands in a file."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import libcst as cst

    from poollint.editing.tree import FileTree
    from poollint.findings import Location


class Occurrence(Struct, frozen=True):
    """A place in whose lines a name stands. `location` is None where it is no expression (a parameter, an import)."""

    line: int
    binds: bool
    location: Location | None = None


class ModuleNames:
    """The names of one file."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree

    @cached_property
    def _module(self) -> ast.Module:
        return ast.parse(self._tree.source.text)

    @cached_property
    def bindings(self) -> Mapping[str, Sequence[ast.stmt]]:
        """The top-level statements that bind each name of the module's own scope."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in self._module.body:
            for name in set(_bound_by(statement)):
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def has_star(self) -> bool:
        """A star import may bind any name."""
        return "*" in self.bindings

    def is_bound(self, name: str) -> bool:
        """The module binds the name, or one of its functions does so with `global`."""
        return name in self.bindings or self.is_declared_global(name)

    def is_declared_global(self, name: str) -> bool:
        """A function may bind the name of the module."""
        declared = (node for node in ast.walk(self._module) if isinstance(node, ast.Global))
        return any(name in node.names for node in declared)

    def index_of(self, statement: ast.stmt) -> int:
        """The position of a top-level statement of `ast` in the body of the concrete tree; -1 when it has none."""
        for index, each in enumerate(self._tree.module.body):
            place = self._tree.location(each)
            if place.line <= statement.lineno <= place.end_line:
                return index
        return -1

    def occurrences(self, name: str, within: cst.CSTNode) -> list[Occurrence]:
        """Where the name stands in the lines of a node, decorators included; attributes and keywords are not names."""
        place = self._tree.location(within)
        found = (_occurrence(self._tree, node, name) for node in ast.walk(self._module))
        return [each for each in found if each is not None and place.line <= each.line <= place.end_line]


def _occurrence(tree: FileTree, node: ast.AST, name: str) -> Occurrence | None:
    if isinstance(node, ast.Name):
        if node.id != name:
            return None
        end = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        location = tree.source.location(node.lineno, node.col_offset, *end)
        return Occurrence(node.lineno, not isinstance(node.ctx, ast.Load), location)
    if name in _names_of(node):
        return Occurrence(getattr(node, "lineno", 0), True)
    return None


def _names_of(node: ast.AST) -> tuple[str | None, ...]:
    """The names that a node binds or declares without an expression."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
        return (node.name,)
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return tuple(node.names)
    if isinstance(node, ast.arg):
        return (node.arg,)
    if isinstance(node, ast.alias):
        return ((node.asname or node.name).partition(".")[0],)
    if isinstance(node, (ast.MatchAs, ast.MatchStar)):
        return (node.name,)
    return (node.rest,) if isinstance(node, ast.MatchMapping) else ()


def _bound_by(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds in its own scope."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    if not isinstance(node, (ast.Global, ast.Nonlocal, ast.arg)):
        yield from (name for name in _names_of(node) if name)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _bound_by(child)
