"""AUTOCOMMIT: a connection or engine on which every statement is committed at once (S21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, last_name, text_of
from poollint.program.values import ClassValue, Instance, ModuleValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.lifetimes.aliases import Aliases
    from poollint.program.names import Resolver

_DEEPEST = 4


class Autocommit:
    """Answers "does this handle commit by itself" for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(self, path: str, index: int, aliases: Aliases) -> bool:
        """The handle that the call makes runs in AUTOCOMMIT, by its own options or by those of its engine."""
        call = self._resolver.call(path, index)
        scope = self._resolver.scope(path, call.scope)
        calls = self._resolver.facts(path).calls
        for each in scope.calls:
            func = calls[each].func
            if isinstance(func, model.Attr) and aliases.denotes(func.value, aliases.names) and _says_so(calls[each]):
                return True
        if _says_so(call) or any(_turns_on(op) for op in scope.ops):
            return True
        engine = call.func.value if isinstance(call.func, model.Attr) else (call.args[0] if call.args else None)
        return engine is not None and self._is_set_on(path, call.scope, engine, 0)

    def _is_set_on(self, path: str, scope: int, expr: model.Expr, depth: int) -> bool:
        """What makes the engine, wherever it was assigned, asks for it."""
        if depth > _DEEPEST:
            return False
        if isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            if _says_so(call):
                return True
            return isinstance(call.func, model.Attr) and self._is_set_on(path, scope, call.func.value, depth + 1)
        return any(
            self._is_set_on(home, where, value, depth + 1) for home, where, value in self._assigned(path, scope, expr)
        )

    def _assigned(self, path: str, scope: int, expr: model.Expr) -> Iterator[tuple[str, int, model.Expr]]:
        """The values that are assigned to a variable or attribute of the program."""
        if isinstance(expr, model.Attr):
            for value in self._resolver.values(path, scope, expr.value):
                if isinstance(value, ModuleValue):
                    yield from self._bound(value.path, 0, expr.attr)
                elif isinstance(value, (Instance, ClassValue)):
                    cls = value.cls if isinstance(value, Instance) else value
                    yield from self._attribute(cls, expr.attr)
        elif isinstance(expr, model.Name):
            yield from self._bound(path, scope, expr.id)
            if scope != 0:
                yield from self._bound(path, 0, expr.id)

    def _bound(self, path: str, scope: int, name: str) -> Iterator[tuple[str, int, model.Expr]]:
        for op in self._resolver.scope(path, scope).ops:
            if op.value is not None and dotted(op.target) == name:
                yield path, scope, op.value

    def _attribute(self, cls: ClassValue, name: str) -> Iterator[tuple[str, int, model.Expr]]:
        for number, scope in enumerate(self._resolver.facts(cls.path).scopes):
            if scope.parent == cls.scope or number == cls.scope:
                for op in scope.ops:
                    if op.value is not None and last_name(op.target) == name:
                        yield cls.path, number, op.value


def _turns_on(op: model.Op) -> bool:
    """`raw.autocommit = True`, on whatever connection of the function."""
    is_flag = isinstance(op.target, model.Attr) and op.target.attr == "autocommit"
    return is_flag and isinstance(op.value, model.Const) and op.value.value is True


def _says_so(call: model.Call) -> bool:
    return any(
        (keyword == "isolation_level" and text_of(value).upper() == "AUTOCOMMIT")
        or (keyword in ("execution_options", None) and _holds_it(value))
        for keyword, value in call.keywords
    )


def _holds_it(value: model.Expr) -> bool:
    if not isinstance(value, model.Mapping):
        return False
    return any(text_of(item).upper() == "AUTOCOMMIT" for item in value.values)
