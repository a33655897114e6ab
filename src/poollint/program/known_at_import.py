"""Whether the arguments of a call would be the same, and there, when the module is imported.

Moving a call to module level needs that of each of them: literals, variables of the module that are set once, and what
the module imports. A proxy of a framework (`current_app`) is imported too and means nothing yet, so of other packages
only SQLAlchemy and the standard library count.
"""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, is_none, names_bound, parts_of
from poollint.program.imports import imported_module
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.names import Resolver

_COMPUTED = "an argument is computed by other code"
_READ_FROM_ENVIRONMENT = frozenset({"os.getenv", "os.environ.get"})
_ENVIRONMENT = "os.environ"
_OPERATORS = frozenset({"format", "unary", "+", "-", "*", "/", "//", "%"})
_DEEPEST = 8
_TRUSTED = frozenset({"sqlalchemy", "sqlmodel"})


class KnownAtImport:
    """Judges the arguments of calls."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def reason_against(self, path: str, call: model.Call) -> str:
        """Why the call cannot be made when the module is imported; "" when nothing speaks against it."""
        named = [value for _, value in call.keywords]
        if any(name is None for name, _ in call.keywords):
            return "arguments are unpacked"
        root = dotted(call.func).partition(".")[0]
        unknown = self._of_name(path, call.scope, root) if root else _COMPUTED
        return unknown or self._first(path, call.scope, [*call.args, *named])

    def is_later(self, path: str, scope: int, expr: model.Expr, depth: int = 0) -> bool:
        """The value is there only while the program runs: something sets it then, or it depends on what is served.

        What the program computes counts as known at import; variables of the function are followed to what they hold.
        """
        if depth > _DEEPEST:
            return False
        if isinstance(expr, model.Name):
            return self._name_is_later(path, scope, expr.id, depth)
        root = dotted(expr).partition(".")[0] if isinstance(expr, model.Attr) else ""
        if root and self._of_root(path, root):
            return True
        parts = parts_of(self._resolver.facts(path), expr)
        return any(self.is_later(path, scope, each, depth + 1) for each in parts)

    def _name_is_later(self, path: str, scope: int, name: str, depth: int) -> bool:
        current = scope
        while current > 0:
            facts = self._resolver.scope(path, current)
            values = [op.value for op in facts.ops if op.value is not None and name in names_bound(op.target)]
            if values and facts.kind != "class" and name not in facts.globals:
                return any(self.is_later(path, current, value, depth + 1) for value in values)
            current = facts.parent
        index = self._resolver.bindings(path)
        if not index.stores_to_global(name):
            return False
        return any(each.kind == "value" and is_none(each.value) for each in index.names(0).get(name, []))

    def _first(self, path: str, scope: int, expressions: Iterable[model.Expr]) -> str:
        reasons = (self._of(path, scope, each) for each in expressions)
        return next((reason for reason in reasons if reason), "")

    def _of(self, path: str, scope: int, expr: model.Expr) -> str:
        if isinstance(expr, model.Const):
            return ""
        if isinstance(expr, model.Name):
            return self._of_name(path, scope, expr.id)
        if isinstance(expr, model.Attr):
            return self._of_attribute(path, scope, expr)
        if isinstance(expr, model.Subscript):
            return self._of_item(path, scope, expr)
        if isinstance(expr, model.CallRef):
            return self._of_call(path, scope, expr.index)
        if isinstance(expr, model.Items) or (isinstance(expr, model.Derived) and expr.kind in _OPERATORS):
            return self._first(path, scope, expr.items)
        if isinstance(expr, model.Mapping) and None not in expr.keys:
            return self._first(path, scope, [*(key for key in expr.keys if key is not None), *expr.values])
        return _COMPUTED

    def _of_name(self, path: str, scope: int, name: str) -> str:
        """A variable of the module that is set once, or what it defines or imports."""
        index = self._resolver.bindings(path)
        current = scope
        while current > 0:
            facts = self._resolver.scope(path, current)
            if facts.kind != "class" and name in index.names(current):
                return f"{name} is a variable of the function"
            current = facts.parent
        bound = index.names(0).get(name, [])
        if index.stores_to_global(name) or len(bound) > 1:
            return f"{name} is set in several places"
        if not bound:
            return "" if hasattr(builtins, name) else f"it is not known where {name} is set"
        if bound[0].kind in ("import", "definition"):
            return ""
        if bound[0].kind != "value":
            return f"it is not known what {name} is"
        return f"{name} is None until something sets it" if is_none(bound[0].value) else ""

    def _of_attribute(self, path: str, scope: int, expr: model.Attr) -> str:
        """`settings.URL`, where `settings` belongs to the program; `pool.NullPool`."""
        root = dotted(expr).partition(".")[0]
        if not root:
            return _COMPUTED
        return self._of_name(path, scope, root) or self._of_root(path, root)

    def _of_root(self, path: str, root: str) -> str:
        """The attributes of a foreign object may depend on the request or application that is being served."""
        for imported in self._resolver.scope(path, 0).imports:
            if imported.name == root and imported_module(self._resolver.project, path, imported) is None:
                if imported.level or not _is_plain(imported.module):
                    return f"{root} may depend on what is being served"
        return ""

    def _of_item(self, path: str, scope: int, expr: model.Subscript) -> str:
        values = self._resolver.values(path, scope, expr.value)
        if any(isinstance(value, External) and value.fqn == _ENVIRONMENT for value in values):
            return self._of(path, scope, expr.index)
        return "an item of a container may be set later"

    def _of_call(self, path: str, scope: int, index: int) -> str:
        call = self._resolver.call(path, index)
        values = self._resolver.callee(path, index)
        if any(isinstance(value, External) and value.fqn in _READ_FROM_ENVIRONMENT for value in values):
            return self._first(path, scope, [*call.args, *(value for _, value in call.keywords)])
        return _COMPUTED


def _is_plain(origin: str) -> bool:
    package = origin.partition(".")[0]
    return package in _TRUSTED or package in sys.stdlib_module_names
