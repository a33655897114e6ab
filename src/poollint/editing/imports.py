"""The one editor of imports: which name stands for something in a file, and what to add so that one does.

It adds to an existing `from x import` or writes a line of its own where a formatter would put it: after the docstring
and `__future__`, with its kind, in order. It never imports below `if TYPE_CHECKING`, never hides a name that the file
uses for something else, and leaves `__all__` alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct

from poollint.editing import import_lines
from poollint.editing.scopes import Scopes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit


class Imported(Struct, frozen=True):
    """`name` is what to write, perhaps dotted; `edits` make it available and are empty when it is already."""

    name: str
    edits: tuple[Edit, ...] = ()


class Binding(Struct, frozen=True):
    """One name that an import statement binds: `local` stands for `module` itself, or for `name` of it."""

    statement: cst.Import | cst.ImportFrom
    module: str
    name: str
    local: str
    is_certain: bool
    """It stands at the top level of the file, not in a block."""
    for_types: bool
    """It stands below `if TYPE_CHECKING`."""


class Imports:
    """The imports of one file."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._scopes = Scopes(tree)

    def name_for(self, modules: str | Sequence[str], name: str, at: cst.CSTNode) -> Imported | None:
        """How to write `name` of a module in the code at `at`; None when the name stands for something else there.

        Several `modules` are equivalent ones that export it: any of them is taken where it is imported already, the
        first one where an import has to be added.
        """
        accepted = (modules,) if isinstance(modules, str) else tuple(modules)
        for binding in self._bindings:
            if self._is_usable(binding, at):
                if binding.module in accepted and binding.name == name:
                    return Imported(binding.local)
                if binding.module in accepted and not binding.name:
                    return Imported(f"{binding.local}.{name}")
        if not self._is_free(name, accepted, at):
            return None
        for module in accepted:
            edits = self._added(module, name, at)
            if edits:
                return Imported(name, edits)
        edits = import_lines.new_line(self._tree, accepted[0], name)
        return Imported(name, edits) if edits and self._runs_before(edits[0].location.line, at) else None

    def is_builtin(self, name: str, at: cst.CSTNode) -> bool:
        """The name stands for Python's own thing in the code at `at`."""
        if any(binding.local in (name, "*") for binding in self._bindings):
            return False
        return not self._scopes.is_assigned(name) and not self._scopes.is_hidden(name, at)

    def has_package(self, *packages: str) -> bool:
        """The file imports one of the packages, or something of it, whenever it is imported itself.

        Otherwise the package may be missing, and an import of it at the top would break the file.
        """
        certain = (binding for binding in self._bindings if binding.is_certain and not binding.for_types)
        return any(binding.module.partition(".")[0] in packages for binding in certain)

    # ----------------------------------------------------------------------------------------------- questions
    @cached_property
    def _bindings(self) -> Sequence[Binding]:
        """The names that the import statements of the module's own scope bind."""
        return tuple(self._found(self._tree.module, is_certain=True, for_types=False))

    def _found(self, node: cst.CSTNode, is_certain: bool, for_types: bool) -> Iterator[Binding]:
        for child in node.children:
            if isinstance(child, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
                continue
            if isinstance(child, (cst.Import, cst.ImportFrom)):
                yield from _bound_by(child, is_certain, for_types)
            elif isinstance(child, cst.If):
                types = for_types or _is_type_checking(child.test)
                yield from self._found(child.body, False, types)
                if child.orelse is not None:
                    yield from self._found(child.orelse, False, for_types)
            else:
                is_line = isinstance(child, cst.SimpleStatementLine)
                yield from self._found(child, is_certain and is_line, for_types)

    def _is_usable(self, binding: Binding, at: cst.CSTNode) -> bool:
        """`at` sees the name, and it stands for nothing else."""
        root = binding.local.partition(".")[0]
        if not binding.is_certain or self._scopes.is_assigned(root) or self._scopes.is_hidden(root, at):
            return False
        rivals = (other for other in self._bindings if other.local.partition(".")[0] == root)
        origin = (binding.module, binding.name)
        if any((other.module, other.name) != origin and (other.name or binding.name) for other in rivals):
            return False
        return self._runs_before(self._tree.location(binding.statement).line, at)

    def _is_free(self, name: str, modules: Sequence[str], at: cst.CSTNode) -> bool:
        """The name may be bound at the top of the file: nothing else there, or around `at`, is called so."""
        if self._scopes.is_assigned(name) or self._scopes.is_hidden(name, at) or self._scopes.is_builtin(name):
            return False
        bound = [binding for binding in self._bindings if binding.local.partition(".")[0] == name]
        if any(not (binding.for_types and binding.module in modules and binding.name == name) for binding in bound):
            return False
        starred = any(binding.name == "*" for binding in self._bindings)
        return bool(bound) or not (starred and self._scopes.is_used(name))

    def _runs_before(self, line: int, at: cst.CSTNode) -> bool:
        """A statement of the module at `line` has run when the code at `at` does."""
        return self._scopes.is_deferred(at) or line <= self._tree.location(at).line

    def _added(self, module: str, name: str, at: cst.CSTNode) -> tuple[Edit, ...]:
        """The edits that add to a `from module import`; none when there is no such statement to add to."""
        for binding in self._bindings:
            statement = binding.statement
            if (
                isinstance(statement, cst.ImportFrom)
                and binding.is_certain
                and binding.module == module
                and binding.name != "*"
                and self._runs_before(self._tree.location(statement).line, at)
            ):
                return import_lines.added_name(self._tree, statement, name)
        return ()


def _bound_by(statement: cst.Import | cst.ImportFrom, is_certain: bool, for_types: bool) -> Iterator[Binding]:
    if isinstance(statement, cst.Import):
        for alias in statement.names:
            module = import_lines.dotted(alias.name)
            local = alias.evaluated_alias or module
            yield Binding(statement, module, "", local, is_certain, for_types)
        return
    module = "." * len(statement.relative) + (import_lines.dotted(statement.module) if statement.module else "")
    if isinstance(statement.names, cst.ImportStar):
        yield Binding(statement, module, "*", "*", is_certain, for_types)
        return
    for alias in statement.names:
        name = alias.evaluated_name
        yield Binding(statement, module, name, alias.evaluated_alias or name, is_certain, for_types)


def _is_type_checking(test: cst.BaseExpression) -> bool:
    """`TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    name = test.attr if isinstance(test, cst.Attribute) else test
    return isinstance(name, cst.Name) and name.value == "TYPE_CHECKING"
