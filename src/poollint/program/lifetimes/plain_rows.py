"""Which calls on a session give rows of plain values: a statement as text, columns, counts, but no mapped class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, values_given
from poollint.program.values import ClassValue, External, ExternalInstance, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.lifetimes.aliases import Aliases
    from poollint.program.names import Resolver
    from poollint.program.values import Value

_PACKAGES = ("sqlalchemy.", "sqlmodel.")
_FRAMES = ("pandas.", "polars.", "geopandas.")
_TEXTS = frozenset({"text", "DDL"})
_WRITES = frozenset({"insert", "update", "delete"})
_FUNCTIONS = (".func", ".functions")
_SAME_ROWS = frozenset(
    {
        "where", "filter", "filter_by", "order_by", "limit", "offset", "group_by", "having", "distinct", "join",
        "outerjoin", "select_from", "bindparams", "values", "label", "execution_options", "params",
    }
)  # fmt: skip
_DEEPEST = 12


def plain_calls(resolver: Resolver, path: str, scope: int, aliases: Aliases) -> Iterator[model.Call]:
    """The calls on the handle whose rows hold no objects, in order."""
    rows = _Rows(resolver, path, scope)
    facts = resolver.facts(path)
    for index in resolver.scope(path, scope).calls:
        call = facts.calls[index]
        if not isinstance(call.func, model.Attr) or not aliases.denotes(call.func.value, aliases.names):
            continue
        queried = call.func.attr in aliases.handle.lazy
        executed = call.func.attr in aliases.handle.executes
        if queried and call.args and all(rows.is_column(argument) for argument in call.args):
            yield call
        if executed and call.args and rows.is_plain(call.args[0]):
            yield call


def frames(resolver: Resolver, path: str, scope: int, aliases: Aliases) -> Iterator[model.Call]:
    """The calls that read all rows of a statement through the handle: `pandas.read_sql(query, connection)`."""
    for call, values in _given(resolver, path, scope, aliases):
        if all(isinstance(value, External) and value.fqn.startswith(_FRAMES) for value in values):
            if not any(name == "chunksize" or name is None for name, _ in call.keywords):
                yield call


def own_calls(resolver: Resolver, path: str, scope: int, aliases: Aliases) -> Iterator[model.Call]:
    """The calls that give the handle to functions of the program that are done when they return."""
    for call, values in _given(resolver, path, scope, aliases):
        functions = [functions_of(value) for value in values]
        inner = [resolver.scope(each.path, each.scope) for found in functions for each in found]
        if all(functions) and not any(each.is_generator for each in inner):
            yield call


def _given(
    resolver: Resolver, path: str, scope: int, aliases: Aliases
) -> Iterator[tuple[model.Call, tuple[Value, ...]]]:
    """The calls that the handle is an argument of, with what they call."""
    facts = resolver.facts(path)
    for index in resolver.scope(path, scope).calls:
        call = facts.calls[index]
        if any(aliases.denotes(argument, aliases.names) for argument in values_given(call)):
            values = tuple(resolver.callee(path, index))
            if values:
                yield call, values


class _Rows:
    """Judges the statements of one scope."""

    def __init__(self, resolver: Resolver, path: str, scope: int) -> None:
        self._resolver = resolver
        self._path = path
        self._scope = scope

    def is_plain(self, expr: model.Expr, depth: int = 0) -> bool:
        """The statement selects no mapped class."""
        if depth > _DEEPEST:
            return False
        if isinstance(expr, model.Const):
            return isinstance(expr.value, str)
        if isinstance(expr, model.Name):
            ops = list(assignments(self._resolver.scope(self._path, self._scope), expr.id))
            return bool(ops) and all(
                op.kind == "bind" and op.value is not None and self.is_plain(op.value, depth + 1) for op in ops
            )
        if not isinstance(expr, model.CallRef):
            return False
        call = self._resolver.call(self._path, expr.index)
        name = self._library_name(expr.index)
        if name in _TEXTS or name in _WRITES:
            return True
        if name == "select":
            return bool(call.args) and all(self.is_column(argument, depth + 1) for argument in call.args)
        same = isinstance(call.func, model.Attr) and call.func.attr in _SAME_ROWS
        return same and isinstance(call.func, model.Attr) and self.is_plain(call.func.value, depth + 1)

    def is_column(self, expr: model.Expr, depth: int = 0) -> bool:
        """`User.name`, `func.count()`, `func.max(User.age).label("age")`."""
        if depth > _DEEPEST:
            return False
        if isinstance(expr, model.Attr):
            values = self._resolver.values(self._path, self._scope, expr.value)
            return bool(values) and all(isinstance(value, ClassValue) for value in values)
        if not isinstance(expr, model.CallRef):
            return False
        func = self._resolver.call(self._path, expr.index).func
        if not isinstance(func, model.Attr):
            return False
        if func.attr == "label":
            return self.is_column(func.value, depth + 1)
        values = self._resolver.values(self._path, self._scope, func.value)
        return bool(values) and all(
            isinstance(value, (External, ExternalInstance)) and value.fqn.endswith(_FUNCTIONS) for value in values
        )

    def _library_name(self, index: int) -> str:
        """The last name of the function of the library that is called; "" for any other."""
        names = {
            value.fqn.rpartition(".")[2] if isinstance(value, External) and value.fqn.startswith(_PACKAGES) else ""
            for value in self._resolver.callee(self._path, index)
        }
        return names.pop() if len(names) == 1 else ""
