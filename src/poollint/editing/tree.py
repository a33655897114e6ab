"""The concrete tree of a whole file, with the places of its nodes and edits made from them.

Positions of nodes are those of libcst and `ast` alike: without the parentheses around an expression, without the
decorators of a function, without the comments and empty lines before a statement.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import libcst as cst

from poollint.chunks import Chunk, first_indent
from poollint.editing.walking import family
from poollint.findings import Edit, Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poollint.chunks import ChunkPositions
    from poollint.editing.imports import Imports
    from poollint.source import SourceFile

Node = TypeVar("Node", bound=cst.CSTNode)

Function = (cst.FunctionDef, cst.Lambda)
Statement = (cst.SimpleStatementLine, cst.BaseCompoundStatement)


class FileTree:
    """One parsed file. Use `FileTree.of`; rules get it ready-made in their `FixTarget`."""

    def __init__(self, source: SourceFile, positions: ChunkPositions) -> None:
        self.source = source
        self.module: cst.Module = positions.wrapper.module
        self._positions = positions

    @classmethod
    def of(cls, source: SourceFile) -> FileTree | None:
        """The tree of a file; None when libcst cannot parse it, or it does not give the same bytes back."""
        if not source.is_exact:
            return None
        whole = Chunk(source, 1, max(len(source.lines), 1), first_indent(source) or "    ")
        positions = whole.positions()
        return cls(source, positions) if positions is not None else None

    # ------------------------------------------------------------------------------------------------ looking
    @cached_property
    def parents(self) -> Mapping[cst.CSTNode, cst.CSTNode]:
        """The node around each node."""
        return dict(family(self.module))

    @cached_property
    def _by_place(self) -> Mapping[tuple[int, int, int, int], list[cst.CSTNode]]:
        """The nodes of each place, the outer ones first."""
        found: dict[tuple[int, int, int, int], list[cst.CSTNode]] = {}
        for node in self.parents:
            if node in self._positions.ranges:
                found.setdefault(self._positions.position(node), []).append(node)
        return found

    def location(self, node: cst.CSTNode) -> Location:
        """The place of a node."""
        return self._positions.location(node)

    def at(self, location: Location, *kinds: type[Node]) -> Node | None:
        """The outermost node that spans exactly `location` and is one of `kinds`."""
        place = (location.line, location.column - 1, location.end_line, location.end_column - 1)
        return next((node for node in self._by_place.get(place, []) if isinstance(node, kinds)), None)

    def text(self, node: cst.CSTNode) -> str:
        """The source text of a node, as it stands in the file."""
        return self.source.text_of(self.location(node))

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around `node`, the closest one first; the module comes last."""
        parent = self.parents.get(node)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def innermost(self, node: cst.CSTNode, *kinds: type[Node]) -> Node | None:
        """The closest node around `node` that is one of `kinds`."""
        return next((each for each in self.around(node) if isinstance(each, kinds)), None)

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The function whose body holds `node`; None for the module, a class body and a lambda.

        A comprehension belongs to its function. The decorators and defaults of a function are outside of it.
        """
        inner: cst.CSTNode = node
        for outer in self.around(node):
            if isinstance(outer, (cst.Lambda, cst.ClassDef)) and inner is outer.body:
                return None
            if isinstance(outer, cst.FunctionDef) and inner is outer.body:
                return outer
            inner = outer
        return None

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | cst.BaseCompoundStatement | None:
        """The innermost whole statement that holds `node` (or is it); None for the module."""
        if isinstance(node, Statement):
            return node
        return next((each for each in self.around(node) if isinstance(each, Statement)), None)

    def block(self, node: cst.CSTNode) -> cst.IndentedBlock | cst.SimpleStatementSuite | cst.Module | None:
        """The innermost block that holds `node`."""
        for outer in self.around(node):
            if isinstance(outer, (cst.IndentedBlock, cst.SimpleStatementSuite, cst.Module)):
                return outer
        return None

    def siblings(self, statement: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
        """The statements of the block that holds `statement`, itself included."""
        block = self.parents.get(statement)
        return tuple(block.body) if isinstance(block, (cst.IndentedBlock, cst.Module)) else (statement,)

    @cached_property
    def imports(self) -> Imports:
        """The editor of the imports of the file."""
        from poollint.editing.imports import Imports

        return Imports(self)

    # ------------------------------------------------------------------------------------------------- layout
    @property
    def newline(self) -> str:
        """The line ending of the file."""
        return self.source.newline

    @cached_property
    def indent(self) -> str:
        """One step of indentation."""
        return first_indent(self.source) or "    "

    def indentation(self, node: cst.CSTNode) -> str:
        """The white space before the statement that holds `node`; "" where it is not the first one of its line."""
        statement = self.statement(node)
        if statement is None:
            return ""
        text = self.source.line_text(self.location(statement).line)
        before = text[: self.location(statement).column - 1]
        return before.strip("\f") if not before.strip() else ""

    def header_end(self, compound: cst.ExceptHandler | cst.Finally | cst.BaseCompoundStatement) -> int:
        """The line of the colon before the body of a statement that is not written in one line."""
        block = compound.body
        first = self.location(block.body[0]).line
        for number in range(first - 1, self.location(compound).line, -1):
            text = self.source.line_text(number).lstrip()
            if text and not text.startswith("#"):
                return number
        return self.location(compound).line

    # -------------------------------------------------------------------------------------------------- edits
    def replace(self, node: cst.CSTNode, text: str) -> Edit:
        """Put `text` where `node` is (parentheses around an expression stay)."""
        return Edit(self.location(node), text)

    def before(self, node: cst.CSTNode, text: str) -> Edit:
        """Insert `text` right before a node."""
        place = self.location(node)
        return self.insert(place.line, place.column, text)

    def after(self, node: cst.CSTNode, text: str) -> Edit:
        """Insert `text` right after a node."""
        place = self.location(node)
        return self.insert(place.end_line, place.end_column, text)

    def insert(self, line: int, column: int, text: str) -> Edit:
        """Insert `text` at a place; line and column count from 1."""
        return Edit(Location(self.source.path, line, column, line, column), text)

    def between(self, start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
        """Put `text` between two places, given as (line, column) from 1."""
        return Edit(Location(self.source.path, *start, *end), text)
