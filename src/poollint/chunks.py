"""The piece of a file that a rule looks at: cut out with `ast`, parsed in place with libcst.

A chunk keeps its indentation (dedenting would change strings that span lines): an indented one is parsed below a line
`if 1:`. libcst is imported when the first chunk is parsed, so a run without findings never pays for it.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import libcst
    from libcst.metadata import CodeRange, MetadataWrapper

    from poollint.findings import Location
    from poollint.source import SourceFile

_BRACKETS = re.compile(r"[(\[{]|[)\]}]")

DEEPEST = 100
"""libcst parses and visits by recursion in native code: deeper source can overflow the stack and end the process."""
LONGEST = 1_000_000
"""In characters: libcst needs about a second and a hundred times the memory for this much."""


class Chunk(Struct, frozen=True):
    """Whole lines of a file, `first_line` to `last_line`."""

    source: SourceFile
    first_line: int
    last_line: int
    default_indent: str

    @property
    def lines(self) -> tuple[int, int]:
        """The first and the last line."""
        return self.first_line, self.last_line

    @property
    def text(self) -> str:
        """The lines as they stand in the file."""
        return "".join(self.source.lines[self.first_line - 1 : self.last_line])

    def parse(self) -> tuple[libcst.Module, int, Mapping[int, int]] | None:
        """The chunk as a concrete tree, with what to add to its lines, and to the columns of some lines of the file.

        None when libcst cannot parse it or does not give the same text back.
        """
        text = self.text
        if len(text) > LONGEST or _bracket_depth(text) > DEEPEST:
            return None
        # A form feed before a statement resets the indentation, and libcst loses it.
        shifts = self._form_feeds() if "\f" in text else {}
        text = "".join(line[shifts.get(number, 0) :] for number, line in self._numbered()) if shifts else text
        newline = self.source.newline
        prefix = f"if 1:{newline}" if text[:1] in (" ", "\t") else ""
        statements = _statements(prefix + text)
        if not statements or not _is_shallow(statements):
            return None
        module = _parsed(prefix + text, newline, self.default_indent)
        if module is None:
            return None
        return module, self.first_line - 1 - bool(prefix), shifts

    def _numbered(self) -> Iterator[tuple[int, str]]:
        """The lines with their numbers in the file."""
        return enumerate(self.source.lines[self.first_line - 1 : self.last_line], self.first_line)

    def _form_feeds(self) -> dict[int, int]:
        """How many characters the form feeds at the beginnings of lines take, with the white space before them."""
        heads = ((number, line[: len(line) - len(line.lstrip(" \t\f"))]) for number, line in self._numbered())
        return {number: head.rindex("\f") + 1 for number, head in heads if "\f" in head}

    def positions(self) -> ChunkPositions | None:
        """The parsed chunk with the places of its nodes, or None as for `parse`."""
        parsed = self.parse()
        if parsed is None:
            return None
        from libcst.metadata import MetadataWrapper, PositionProvider

        module, line_offset, shifts = parsed
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        try:
            ranges = wrapper.resolve(PositionProvider)
        except (RecursionError, KeyError):
            return None
        return ChunkPositions(wrapper, ranges, self.source.path, line_offset, shifts)


class ChunkPositions(Struct, frozen=True):
    """Where the nodes of a parsed chunk lie in the file. Visit `wrapper`, or `wrapper.module`."""

    wrapper: MetadataWrapper
    ranges: Mapping[libcst.CSTNode, CodeRange]
    path: str
    line_offset: int
    shifts: Mapping[int, int]
    """How many characters at the beginning of a line of the file the tree leaves out."""

    def position(self, node: libcst.CSTNode) -> tuple[int, int, int, int]:
        """(line, column, end line, end column) in the file: lines from 1, columns from 0 in code points."""
        place = self.ranges[node]
        line, end_line = place.start.line + self.line_offset, place.end.line + self.line_offset
        return (
            line,
            place.start.column + self.shifts.get(line, 0),
            end_line,
            place.end.column + self.shifts.get(end_line, 0),
        )

    def location(self, node: libcst.CSTNode) -> Location:
        """The place of a node as findings write it."""
        from poollint.findings import Location

        line, column, end_line, end_column = self.position(node)
        return Location(self.path, line, column + 1, end_line, end_column + 1)


class _Statement(NamedTuple):
    """A statement outside of functions. `alone`: its lines hold no header before it and it is no `elif`."""

    first: int
    last: int
    alone: bool
    blocks: tuple[tuple[_Statement, ...], ...]


class ChunkFinder:
    """Finds the chunk of a line. The file is parsed once; only the lines of its statements are kept, not the tree."""

    __slots__ = ("_default_indent", "_source", "_statements")

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._statements = self._outline(_statements(source.text))
        self._default_indent = self.first_indent() or "    "

    def chunk(self, line: int) -> Chunk:
        """The chunk around `line`; the line alone when it belongs to no statement or the file does not parse."""
        group = _enclosing(self._statements, line)
        first, last = (group[0].first, group[-1].last) if group else (line, line)
        return Chunk(self._source, first, last, self._default_indent)

    def _outline(self, statements: Sequence[ast.stmt], depth: int = 0) -> tuple[_Statement, ...]:
        if depth >= DEEPEST:
            return ()
        return tuple(
            _Statement(
                _first_line(statement),
                statement.end_lineno or statement.lineno,
                self._is_alone(statement),
                tuple(self._outline(block, depth + 1) for block in _blocks(statement)),
            )
            for statement in statements
        )

    def _is_alone(self, statement: ast.stmt) -> bool:
        first = _first_line(statement)
        if first < statement.lineno:
            return True
        text = self._source.line_text(first)
        width = len(text) - len(text.lstrip(" \t\f"))
        is_elif = isinstance(statement, ast.If) and text.startswith("elif", width)
        return width == statement.col_offset and not is_elif

    def first_indent(self) -> str:
        """The indentation of the first block; "" without one."""
        for statement in self._statements:
            for block in statement.blocks:
                if block and block[0].alone:
                    text = self._source.line_text(block[0].first)
                    return text[: len(text) - len(text.lstrip(" \t\f"))].strip("\f")
        return ""


def first_indent(source: SourceFile) -> str:
    """The indentation of the first block of a file; "" when it has none."""
    return ChunkFinder(source).first_indent()


def _enclosing(statements: Sequence[_Statement], line: int) -> Sequence[_Statement]:
    """The innermost statements that contain `line` and can stand alone; several when they share lines."""
    group = _sharing_lines(statements, line)
    if len(group) == 1:
        for block in group[0].blocks:
            inner = _enclosing(block, line)
            if inner and inner[0].alone:
                return inner
    return group


def _sharing_lines(statements: Sequence[_Statement], line: int) -> Sequence[_Statement]:
    """The statement of a block that contains `line`, with its neighbours on the same lines (`a = 1; b = 2`)."""
    index = next((index for index, item in enumerate(statements) if item.first <= line <= item.last), None)
    if index is None:
        return ()
    first = last = index
    while last + 1 < len(statements) and statements[last + 1].first <= statements[last].last:
        last += 1
    while first > 0 and statements[first - 1].last >= statements[first].first:
        first -= 1
    return statements[first : last + 1]


def _statements(text: str) -> list[ast.stmt]:
    """The statements of the text; none when Python cannot parse it, or only with a deeper stack."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return []


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if block:
            yield block
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, ()):
            yield part.body


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", ())
    return min((decorator.lineno for decorator in decorators), default=statement.lineno)


def _is_shallow(statements: Sequence[ast.stmt]) -> bool:
    level: list[ast.AST] = list(statements)
    for _ in range(DEEPEST):
        if not level:
            return True
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return False


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
