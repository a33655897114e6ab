"""What the names of a file stand for, as far as an import that is added has to know."""

from __future__ import annotations

import builtins
import re
import symtable
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.editing.tree import FileTree


class Scopes:
    """The scopes of one file, as Python itself sees them."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree

    @cached_property
    def _top(self) -> symtable.SymbolTable:
        return symtable.symtable(self._tree.source.text, self._tree.source.path, "exec")

    @cached_property
    def _inner(self) -> tuple[symtable.SymbolTable, ...]:
        return tuple(_below(self._top))

    def is_assigned(self, name: str) -> bool:
        """Something other than an import binds a name of the module: there, or in a function with `global`."""
        symbol = _symbol(self._top, name)
        if symbol is not None and (symbol.is_assigned() or symbol.is_namespace()):
            return True
        symbols = (_symbol(table, name) for table in self._inner)
        return any(symbol is not None and symbol.is_declared_global() and _binds(symbol) for symbol in symbols)

    def is_hidden(self, name: str, at: cst.CSTNode) -> bool:
        """A function, class, lambda or comprehension around `at` binds the name for itself."""
        lines = {self._tree.location(node).line for node in self._tree.around(at) if isinstance(node, _SCOPES)}
        tables = (table for table in self._inner if table.get_lineno() in lines)
        symbols = (_symbol(table, name) for table in tables)
        return any(symbol is not None and symbol.is_local() for symbol in symbols)

    def is_deferred(self, at: cst.CSTNode) -> bool:
        """The code at `at` runs when a function is called, not when the module is imported."""
        inner = at
        for outer in self._tree.around(at):
            if isinstance(outer, (cst.FunctionDef, cst.Lambda)) and inner is outer.body:
                return True
            inner = outer
        return False

    def is_used(self, name: str) -> bool:
        """The name stands somewhere in the file."""
        return re.search(rf"\b{re.escape(name)}\b", self._tree.source.text) is not None

    def is_builtin(self, name: str) -> bool:
        """Python knows the name without an import."""
        return hasattr(builtins, name)


_SCOPES = (cst.FunctionDef, cst.ClassDef, cst.Lambda, cst.BaseComp)


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)


def _symbol(table: symtable.SymbolTable, name: str) -> symtable.Symbol | None:
    try:
        return table.lookup(name)
    except KeyError:
        return None


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
