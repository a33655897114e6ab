"""The libcst visitor that finds the reported node in a chunk. Importing this module imports libcst.

The base class does all of the work for most rules; a rule whose finding depends on syntax subclasses it in its own
file, inside the factory `Rule.marker`, so that judging never pays for libcst.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, ClassVar, TypeVar

import libcst as cst

if TYPE_CHECKING:
    from poollint.editing.tree import FileTree
    from poollint.findings import Location
    from poollint.source import SourceFile

Node = TypeVar("Node", bound=cst.CSTNode)


class CallMarker(cst.CSTVisitor):
    """Finds the node of one of `kinds` that spans exactly `target`, and keeps what encloses it.

    `tree` is that of the chunk, and knows where its nodes are. The visit may begin at any node of it that holds the
    target. After the visit `marked` is the node, or None when the syntax at that place is not what the rule is about.
    `source` is the whole file: a chunk holds no class.
    """

    kinds: ClassVar[tuple[type[cst.CSTNode], ...]] = (cst.Call,)

    def __init__(self, source: SourceFile, target: Location, tree: FileTree) -> None:
        super().__init__()
        self.source = source
        self.target = target
        self.tree = tree
        self.marked: cst.CSTNode | None = None

    def on_visit(self, node: cst.CSTNode) -> bool:
        """The outermost matching node wins; nothing below it is visited."""
        if self.marked is None and self._is_target(node) and self.accepts(node):
            self.marked = node
        return self.marked is None

    def _is_target(self, node: cst.CSTNode) -> bool:
        return isinstance(node, self.kinds) and self.tree.location(node) == self.target

    def innermost(self, kind: type[Node]) -> Node | None:
        """The closest node around the marked one that is of `kind`."""
        return self.tree.innermost(self.marked, kind) if self.marked is not None else None

    def accepts(self, node: cst.CSTNode) -> bool:
        """Whether `node`, which has the right kind and place, has the syntax that the rule is about."""
        return True

    def fix_title(self, proposed: str) -> str:
        """The title of the fix for the marked node, given the one that the judgement proposed."""
        return proposed

    def fix_applicability(self, proposed: str) -> str:
        """The applicability of the fix for the marked node, given the one that the judgement proposed."""
        return proposed


def decorator_names(function: cst.FunctionDef) -> frozenset[str]:
    """The last parts of the names of a function's decorators: `@st.cache_data(ttl=1)` gives "cache_data"."""
    names = set()
    for decorator in function.decorators:
        expression = decorator.decorator
        if isinstance(expression, cst.Call):
            expression = expression.func
        if isinstance(expression, cst.Attribute):
            expression = expression.attr
        if isinstance(expression, cst.Name):
            names.add(expression.value)
    return frozenset(names)


def class_around(source: SourceFile, line: int) -> ast.ClassDef | None:
    """The innermost class whose body holds `line`, or None, also where the file does not parse."""
    try:
        nodes = ast.walk(ast.parse(source.text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    classes = (node for node in nodes if isinstance(node, ast.ClassDef))
    around = [node for node in classes if node.lineno <= line <= (node.end_lineno or node.lineno)]
    return max(around, key=lambda node: node.lineno, default=None)
