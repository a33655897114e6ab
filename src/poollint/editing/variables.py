"""The variables of one function: where they are bound and where they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.editing.tree import FileTree

_IN_TARGETS = (cst.Tuple, cst.List, cst.Element, cst.StarredElement)
_BINDING = (
    cst.AssignTarget,
    cst.AsName,
    cst.Del,
    cst.ImportAlias,
    cst.MatchAs,
    cst.MatchStar,
    cst.MatchMapping,
)
_BOUND_AS_TARGET = (cst.AnnAssign, cst.AugAssign, cst.For, cst.CompFor, cst.NamedExpr)
_BOUND_AS_NAME = (cst.FunctionDef, cst.ClassDef)
_LATER = (cst.FunctionDef, cst.Lambda, cst.ClassDef, cst.GeneratorExp)

READING_BUILTINS = frozenset({"list", "tuple", "set", "sorted", "dict", "frozenset", "max", "min", "sum", "any", "all"})
"""Functions that have read an iterable to its end, or as far as they need, when they return."""


class Variable(Struct):
    """Its names in the function, in order. `captured` are those that run later: in a function, a class, a generator
    expression. `is_parameter`: the caller has it too; `is_foreign`: `global` or `nonlocal`."""

    bindings: list[cst.Name] = []
    reads: list[cst.Name] = []
    captured: list[cst.Name] = []
    is_parameter: bool = False
    is_foreign: bool = False


class Variables:
    """All variables of a function (or lambda-free block of statements) by name."""

    def __init__(self, tree: FileTree, function: cst.FunctionDef) -> None:
        self._tree = tree
        self._function = function
        self._found: dict[str, Variable] = {}
        for name in names_in(function.params):
            if isinstance(tree.parents[name], cst.Param) and self._depth(name) == 0:
                self._of(name).is_parameter = True
        for name in names_in(function.body):
            self._sort(name)

    def __getitem__(self, name: str) -> Variable:
        return self._found.get(name) or Variable()

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def is_local(self, name: str) -> bool:
        """Only this function has the variable."""
        variable = self._found.get(name)
        return variable is not None and bool(variable.bindings) and not variable.is_foreign

    def _of(self, name: cst.Name) -> Variable:
        return self._found.setdefault(name.value, Variable())

    def _sort(self, name: cst.Name) -> None:
        role = self._role(name)
        if role == "none":
            return
        variable = self._of(name)
        if role == "foreign":
            variable.is_foreign = True
        elif self._depth(name):
            variable.captured.append(name)
        elif role == "bound":
            variable.bindings.append(name)
        else:
            variable.reads.append(name)

    def _depth(self, name: cst.Name) -> int:
        """How many functions, classes and generator expressions lie between the name and the function."""
        depth = 0
        inner: cst.CSTNode = name
        for outer in self._tree.around(name):
            if outer is self._function:
                break
            is_its_name = isinstance(outer, _BOUND_AS_NAME) and inner is outer.name
            depth += isinstance(outer, _LATER) and not is_its_name and not self._is_read_at_once(outer)
            inner = outer
        return depth

    def _is_read_at_once(self, node: cst.CSTNode) -> bool:
        """A generator expression that the function around it reads: `sum(row.price for row in rows)`."""
        argument = self._tree.parents[node]
        call = self._tree.parents[argument] if isinstance(argument, cst.Arg) else None
        if not isinstance(node, cst.GeneratorExp) or not isinstance(call, cst.Call) or call.func is argument:
            return False
        if isinstance(call.func, cst.Attribute):
            return call.func.attr.value == "join" and isinstance(call.func.value, cst.BaseString)
        return isinstance(call.func, cst.Name) and call.func.value in READING_BUILTINS

    def _role(self, name: cst.Name) -> str:
        """ "bound", "read", "foreign" or "none" for what is no variable."""
        inner: cst.CSTNode = name
        outer = self._tree.parents[inner]
        if isinstance(outer, cst.Attribute) and outer.attr is inner:
            return "none"
        if (isinstance(outer, cst.Arg) and outer.keyword is inner) or isinstance(outer, cst.MatchKeywordElement):
            return "none"
        if isinstance(outer, cst.NameItem):
            return "foreign"
        while isinstance(outer, _IN_TARGETS):
            inner, outer = outer, self._tree.parents[outer]
        if isinstance(outer, cst.Param):
            return "bound" if outer.name is inner else "read"
        if isinstance(outer, _BINDING):
            return "bound"
        if isinstance(outer, _BOUND_AS_TARGET) and outer.target is inner:
            return "bound"
        return "bound" if isinstance(outer, _BOUND_AS_NAME) and outer.name is inner else "read"


def names_in(node: cst.CSTNode) -> Iterator[cst.Name]:
    """All names below a node (or itself), in order."""
    if isinstance(node, cst.Name):
        yield node
    for child in node.children:
        yield from names_in(child)
