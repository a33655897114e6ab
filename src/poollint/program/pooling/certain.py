"""Values that are certain: what the source spells out, with nothing that may put another value in its place.

The resolver answers "what may this be"; a rule that says "this raises" has to know "what is this, always".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import names_bound, text_of
from poollint.program.imports import imported_module
from poollint.program.values import External, ModuleValue

if TYPE_CHECKING:
    from poollint.program.names import Resolver
    from poollint.program.values import Value

_DEEPEST = 4


class Certain:
    """Reads expressions that have one value."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    # ---------------------------------------------------------------------------------------------- values
    def value(self, path: str, scope: int, expr: model.Expr, depth: int = 0) -> Value | None:
        """The one value of an import, of an attribute of it, or of a call of a library; through variables set once."""
        expr = self.behind(path, scope, expr)
        elsewhere = self.elsewhere(path, scope, expr) if depth <= _DEEPEST else None
        if elsewhere is not None:
            return self.value(elsewhere[0], 0, elsewhere[1], depth + 1)
        if isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            if not isinstance(self.value(path, call.scope, call.func, depth + 1), External):
                return None
        elif not self._is_imported(path, scope, expr):
            return None
        values = set(self._resolver.values(path, scope, expr))
        return values.pop() if len(values) == 1 else None

    def _is_imported(self, path: str, scope: int, expr: model.Expr) -> bool:
        """A name that an import or definition binds, or an attribute of one."""
        while isinstance(expr, model.Attr):
            expr = expr.value
        return isinstance(expr, model.Name) and self._holder(path, scope, expr.id) is None

    def behind(self, path: str, scope: int, expr: model.Expr, depth: int = 0) -> model.Expr:
        """What a variable that is set once is set to; any other expression as it is."""
        if not isinstance(expr, model.Name) or depth > _DEEPEST:
            return expr
        found = self.assigned(path, scope, expr.id)
        return expr if found is None else self.behind(path, *found, depth + 1)

    def assigned(self, path: str, scope: int, name: str) -> tuple[int, model.Expr] | None:
        """What the only assignment of a variable gives it, with the scope where that stands."""
        holder = self._holder(path, scope, name)
        value = self._only_value(path, holder, name) if holder is not None else None
        return (holder, value) if holder is not None and value is not None else None

    def _imported(self, path: str, scope: int, name: str) -> model.Import | None:
        """The only import that binds the name where it is seen from `scope`."""
        if self._holder(path, scope, name) is not None:
            return None
        current = scope
        while current >= 0:
            facts = self._resolver.scope(path, current)
            found = [each for each in facts.imports if each.name == name]
            if found:
                return found[0] if len(found) == 1 else None
            current = facts.parent
        return None

    def elsewhere(self, path: str, scope: int, expr: model.Expr) -> tuple[str, model.Name] | None:
        """The module of the program, and the name there, that an imported name or an attribute of a module means."""
        if isinstance(expr, model.Name):
            imported = self._imported(path, scope, expr.id)
            if imported is None or not imported.attribute:
                return None
            module = imported_module(self._resolver.project, path, imported)
            is_file = module is not None and not module.endswith("/")
            return (module, model.Name(imported.attribute)) if module is not None and is_file else None
        if isinstance(expr, model.Attr):
            modules = {v.path for v in self._resolver.values(path, scope, expr.value) if isinstance(v, ModuleValue)}
            return (modules.pop(), model.Name(expr.attr)) if len(modules) == 1 else None
        return None

    def _holder(self, path: str, scope: int, name: str) -> int | None:
        """The scope that binds the name as a parameter or variable; None for an import, a definition or a builtin."""
        current = scope
        while current >= 0:
            facts = self._resolver.scope(path, current)
            if name not in facts.globals and name not in facts.nonlocals:
                if any(each.name == name for each in facts.parameters) or name in _set_in(facts):
                    return current
                if any(each.name == name for each in facts.imports):
                    return None
            current = facts.parent
        return None

    def _only_value(self, path: str, scope: int, name: str) -> model.Expr | None:
        facts = self._resolver.scope(path, scope)
        everywhere = self._resolver.facts(path).scopes
        if any(each.name == name for each in facts.parameters) or any(each.name == name for each in facts.imports):
            return None
        if any(name in (*each.globals, *each.nonlocals) for each in everywhere):
            return None
        bound = [op for op in facts.ops if name in names_bound(op.target)]
        single = len(bound) == 1 and bound[0].kind == "bind" and isinstance(bound[0].target, model.Name)
        return bound[0].value if single else None

    # ---------------------------------------------------------------------------------------------- text
    def text(self, path: str, scope: int, expr: model.Expr, depth: int = 0) -> str:
        """The constant text of an expression, also of a variable of another module; "" where it is not constant."""
        expr = self.behind(path, scope, expr)
        if depth > _DEEPEST or isinstance(expr, model.Const):
            return text_of(expr)
        elsewhere = self.elsewhere(path, scope, expr)
        return self.text(elsewhere[0], 0, elsewhere[1], depth + 1) if elsewhere is not None else ""

    def beginning(self, path: str, scope: int, expr: model.Expr) -> str:
        """The constant text that an f-string or a sum of texts begins with."""
        expr = self.behind(path, scope, expr)
        while isinstance(expr, model.Derived) and expr.kind in ("format", "+") and expr.items:
            expr = expr.items[0]
        return text_of(expr)

    # ---------------------------------------------------------------------------------------------- keywords
    def keywords(self, path: str, call: model.Call) -> tuple[dict[str, model.Expr], bool]:
        """The keyword arguments that are given in any case, and whether there may be others."""
        return self._pairs(path, call.scope, call.keywords, 0)

    def _pairs(
        self, path: str, scope: int, given: list[tuple[str | None, model.Expr]], depth: int
    ) -> tuple[dict[str, model.Expr], bool]:
        found: dict[str, model.Expr] = {}
        more = False
        for name, value in given:
            if name is not None:
                found[name] = value
                continue
            inner, unknown = self._unpacked(path, scope, value, depth + 1)
            found.update(inner)
            more = more or unknown
        return found, more

    def _unpacked(self, path: str, scope: int, expr: model.Expr, depth: int) -> tuple[dict[str, model.Expr], bool]:
        """The items of a display, of `dict(a=1)`, or of a variable that holds one and is only unpacked."""
        if depth > _DEEPEST:
            return {}, True
        if isinstance(expr, model.Name):
            if not self._is_only_unpacked(path, expr.id):
                return {}, True
            expr = self.behind(path, scope, expr)
        if isinstance(expr, model.Mapping):
            if any(key is not None and not text_of(key) for key in expr.keys):
                return {}, True
            keys = ((text_of(key) if key is not None else None) for key in expr.keys)
            return self._pairs(path, scope, list(zip(keys, expr.values, strict=True)), depth)
        if isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            if isinstance(call.func, model.Name) and call.func.id == "dict" and not call.args:
                return self._pairs(path, scope, call.keywords, depth)
        return {}, True

    def _is_only_unpacked(self, path: str, name: str) -> bool:
        """Nothing in the file could change the mapping: no method call, no item, no argument, no second name."""
        facts = self._resolver.facts(path)
        for call in facts.calls:
            if isinstance(call.func, model.Attr) and isinstance(call.func.value, model.Name):
                if call.func.value.id == name:
                    return False
            passed = (value for keyword, value in call.keywords if keyword is not None)
            if any(_is_name(value, name) for value in (*call.args, *passed)):
                return False
        return not any(_touches(op, name) for scope in facts.scopes for op in scope.ops)


def _touches(op: model.Op, name: str) -> bool:
    """The operation stores into the mapping, deletes from it, merges into it, or gives it another name."""
    target = op.target
    if isinstance(target, (model.Subscript, model.Attr)) and _is_name(target.value, name):
        return True
    if op.kind in ("aug", "delete") and target is not None and _is_name(target, name):
        return True
    return op.value is not None and _is_name(op.value, name)


def _is_name(expr: model.Expr, name: str) -> bool:
    return isinstance(expr, model.Name) and expr.id == name


def _set_in(scope: model.Scope) -> set[str]:
    return {name for op in scope.ops if op.kind != "import" for name in names_bound(op.target)}
