"""The piece of a file that a rule looks at: cut out with `ast`, parsed in place with libcst.

A chunk keeps its indentation (dedenting would change strings that span lines): an indented one is parsed below a line
`if 1:`. libcst is imported when the first chunk is parsed, so a run without findings never pays for it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import libcst
    from libcst.metadata import CodeRange, MetadataWrapper

    from poollint.findings import Location
    from poollint.source import SourceFile

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_INDENTATION = re.compile(r"[ \t\f]*")
_BRACKETS = re.compile(r"[(\[{]|[)\]}]")

DEEPEST = 100
"""libcst parses and visits by recursion in native code: deeper source can overflow the stack and end the process."""
LONGEST = 1_000_000
"""In characters: libcst needs about a second and a hundred times the memory for this much."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a file, `first_line` to `last_line`. `depth` is how deeply the syntax nests in them."""

    source: SourceFile
    first_line: int
    last_line: int
    default_indent: str
    depth: int

    @property
    def text(self) -> str:
        """The lines as they stand in the file."""
        return "".join(self.source.lines[self.first_line - 1 : self.last_line])

    def parse(self) -> tuple[libcst.Module, int, int] | None:
        """The chunk as a concrete tree, with what to add to its lines and to the columns of its first line.

        None when libcst cannot parse it or does not give the same text back.
        """
        text = self.text
        if self.depth > DEEPEST or len(text) > LONGEST or _bracket_depth(text) > DEEPEST:
            return None
        # A form feed before a statement resets the indentation, and libcst loses it.
        column_offset = len(text) - len(text.lstrip("\f"))
        text = text[column_offset:]
        newline = self.source.newline
        prefix = f"if 1:{newline}" if text[:1] in (" ", "\t") else ""
        module = _parsed(prefix + text, newline, self.default_indent)
        if module is None:
            return None
        return module, self.first_line - 1 - bool(prefix), column_offset

    def positions(self) -> ChunkPositions | None:
        """The parsed chunk with the places of its nodes, or None as for `parse`."""
        parsed = self.parse()
        if parsed is None:
            return None
        from libcst.metadata import MetadataWrapper, PositionProvider

        module, line_offset, column_offset = parsed
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        try:
            ranges = wrapper.resolve(PositionProvider)
        except (RecursionError, KeyError):
            return None
        first = 1 if line_offset == self.first_line - 1 else 2
        return ChunkPositions(wrapper, ranges, self.source.path, line_offset, column_offset, first)


@dataclass(frozen=True, slots=True)
class ChunkPositions:
    """Where the nodes of a parsed chunk lie in the file. Visit `wrapper`, or `wrapper.module`."""

    wrapper: MetadataWrapper
    ranges: Mapping[libcst.CSTNode, CodeRange]
    path: str
    line_offset: int
    column_offset: int
    shifted_line: int

    def position(self, node: libcst.CSTNode) -> tuple[int, int, int, int]:
        """(line, column, end line, end column) in the file: lines from 1, columns from 0 in code points."""
        place = self.ranges[node]
        start, end = place.start, place.end
        return (
            start.line + self.line_offset,
            start.column + (self.column_offset if start.line == self.shifted_line else 0),
            end.line + self.line_offset,
            end.column + (self.column_offset if end.line == self.shifted_line else 0),
        )

    def location(self, node: libcst.CSTNode) -> Location:
        """The place of a node as findings write it."""
        from poollint.findings import Location

        line, column, end_line, end_column = self.position(node)
        return Location(self.path, line, column + 1, end_line, end_column + 1)


class ChunkFinder:
    """Finds the chunk of a line; the file is parsed once, when the first one is asked for."""

    __slots__ = ("_default_indent", "_source", "_statements")

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._statements = _statements(source.text)
        self._default_indent = self._first_indent()

    def chunk(self, line: int) -> Chunk:
        """The chunk around `line`; the line alone when it belongs to no statement or the file does not parse."""
        group = self._enclosing(self._statements, line)
        if not group:
            return Chunk(self._source, line, line, self._default_indent, 0)
        return Chunk(
            self._source, _first_line(group[0]), _last_line(group[-1]), self._default_indent, _syntax_depth(group)
        )

    def _enclosing(self, statements: Sequence[ast.stmt], line: int) -> list[ast.stmt]:
        group = _sharing_lines(statements, line)
        if len(group) == 1 and not isinstance(group[0], _FUNCTIONS):
            for block in _blocks(group[0]):
                inner = self._enclosing(block, line)
                if inner and self._starts_its_line(inner[0]):
                    return inner
        return group

    def _starts_its_line(self, statement: ast.stmt) -> bool:
        """Whether the lines of the statement can stand alone: not behind a header (`if x: y = 1`), no `elif`."""
        first = _first_line(statement)
        text = self._source.line_text(first)
        indentation = _INDENTATION.match(text)
        width = indentation.end() if indentation else 0
        return first < statement.lineno or (
            width == statement.col_offset and not (isinstance(statement, ast.If) and text.startswith("elif", width))
        )

    def _first_indent(self) -> str:
        for statement in self._statements:
            for block in _blocks(statement):
                if block and _first_line(block[0]) > statement.lineno:
                    found = _INDENTATION.match(self._source.line_text(_first_line(block[0])))
                    if found and found.group().strip("\f"):
                        return found.group().strip("\f")
        return "    "


def _statements(text: str) -> list[ast.stmt]:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return []


def _sharing_lines(statements: Sequence[ast.stmt], line: int) -> list[ast.stmt]:
    """The statement of a block that contains `line`, with its neighbours on the same lines (`a = 1; b = 2`)."""
    index = next((i for i, item in enumerate(statements) if _first_line(item) <= line <= _last_line(item)), None)
    if index is None:
        return []
    first = last = index
    while last + 1 < len(statements) and _first_line(statements[last + 1]) <= _last_line(statements[last]):
        last += 1
    while first > 0 and _last_line(statements[first - 1]) >= _first_line(statements[first]):
        first -= 1
    return list(statements[first : last + 1])


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, ()):
            yield part.body


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", ())
    return min((decorator.lineno for decorator in decorators), default=statement.lineno)


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _syntax_depth(statements: Sequence[ast.stmt]) -> int:
    depth = 0
    level: list[ast.AST] = list(statements)
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _bracket_depth(text: str) -> int:
    """An upper bound of how deeply brackets nest: parentheses leave no trace in the syntax tree."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(text):
        depth = depth + 1 if bracket.group() in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _parsed(text: str, newline: str, indent: str) -> libcst.Module | None:
    import libcst

    config = libcst.PartialParserConfig(default_newline=newline, default_indent=indent)
    try:
        module = libcst.parse_module(text, config)
    except Exception:
        return None
    except BaseException as error:
        # A panic of the native parser is a BaseException of a type that cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        return None
    return module if module.code == text else None
