"""Values that are constant: the text of a literal behind names, and one form for equal expressions of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.imports import imported_module
from poollint.program.values import External, ModuleValue

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_DEEPEST = 6
_DEEPEST_TEXT = 4
_READ_ONCE = frozenset({"os.getenv", "os.environ.get", "builtins.str"})
"""Calls that give the same value for the same arguments, as long as the program runs."""


class Folding:
    """Follows names to the one value that they have."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def single(self, path: str, scope: int, name: str) -> model.Expr | None:
        """The value of a variable that is assigned exactly once in the scope that binds it."""
        current = scope
        while current >= 0:
            holder = self._resolver.scope(path, current)
            if any(each.name == name for each in holder.parameters):
                return None
            bound = [op for op in assignments(holder, name) if op.kind != "delete"]
            if bound:
                return bound[0].value if len(bound) == 1 and bound[0].kind == "bind" else None
            current = holder.parent
        return None

    def text(self, path: str, scope: int, expr: model.Expr, depth: int = 0) -> str:
        """The constant text of an expression, or ""."""
        if isinstance(expr, model.Const):
            return expr.value if isinstance(expr.value, str) else ""
        if isinstance(expr, model.Name) and depth < _DEEPEST_TEXT:
            value = self.single(path, scope, expr.id)
            return self.text(path, scope, value, depth + 1) if value is not None else ""
        return ""

    def number(self, path: str, scope: int, expr: model.Expr | None) -> int | None:
        """The constant whole number of an expression."""
        if isinstance(expr, model.Name):
            expr = self.single(path, scope, expr.id)
        return expr.value if isinstance(expr, model.Const) and type(expr.value) is int else None

    def of(self, path: str, scope: int, expr: model.Expr | None, depth: int = 0) -> str:
        """A canonical form of an expression that has one value for the whole program, or ""."""
        if depth > _DEEPEST or expr is None:
            return ""
        if isinstance(expr, model.Const):
            return repr(expr.value) if expr.kind != "other" else ""
        if isinstance(expr, model.Name):
            return self._fold_name(path, scope, expr, depth)
        if isinstance(expr, model.Attr):
            return self._fold_attribute(path, scope, expr, depth)
        if isinstance(expr, model.Subscript):
            value, index = self.of(path, scope, expr.value, depth + 1), self.of(path, scope, expr.index, depth + 1)
            return f"{value}[{index}]" if value and index else ""
        if isinstance(expr, model.Derived) and expr.kind in ("format", "+"):
            parts = [self.of(path, scope, item, depth + 1) for item in expr.items]
            return f"({'+'.join(parts)})" if parts and all(parts) else ""
        if isinstance(expr, model.CallRef):
            return self._fold_call(path, expr.index, depth)
        return ""

    def _fold_name(self, path: str, scope: int, expr: model.Name, depth: int) -> str:
        for value in self._resolver.values(path, scope, expr):
            if isinstance(value, External):
                return value.fqn
        if scope != 0 and self._local(path, scope, expr.id):
            value_expr = self.single(path, scope, expr.id)
            return self.of(path, scope, value_expr, depth + 1) if value_expr is not None else ""
        value_expr = self.single(path, 0, expr.id)
        if value_expr is not None:
            return self.of(path, 0, value_expr, depth + 1) or f"{path}:{expr.id}"
        for imported in self._resolver.scope(path, 0).imports:
            if imported.name == expr.id and imported.attribute:
                return self._fold_import(path, imported, depth)
        return ""

    def _fold_import(self, path: str, imported: model.Import, depth: int) -> str:
        project = self._resolver.project
        module = imported_module(project, path, imported)
        if module is None:
            return f"{imported.module}.{imported.attribute}" if not imported.level else ""
        if module.endswith("/") or project.facts(module) is None:
            return ""
        return self.of(module, 0, model.Name(imported.attribute), depth + 1) or f"{module}:{imported.attribute}"

    def _local(self, path: str, scope: int, name: str) -> bool:
        """A function around the place binds the name."""
        index = self._resolver.index(path)
        current = scope
        while index is not None and current > 0:
            if name in index.names(current):
                return True
            current = self._resolver.scope(path, current).parent
        return False

    def _fold_attribute(self, path: str, scope: int, expr: model.Attr, depth: int) -> str:
        if isinstance(expr.value, model.Name) and self._local(path, scope, expr.value.id):
            return ""
        for value in self._resolver.values(path, scope, expr.value):
            if isinstance(value, ModuleValue):
                folded = self.of(value.path, 0, model.Name(expr.attr), depth + 1)
                return folded or f"{value.path}:{expr.attr}"
        inner = self.of(path, scope, expr.value, depth + 1)
        return f"{inner}.{expr.attr}" if inner else ""

    def _fold_call(self, path: str, index: int, depth: int) -> str:
        """`os.getenv("X")` has one value for the program."""
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            if isinstance(value, External) and value.fqn in _READ_ONCE:
                parts = [self.of(path, call.scope, each, depth + 1) for each in call.args[:1]]
                return f"{value.fqn}({','.join(parts)})" if parts and all(parts) else ""
        return ""
