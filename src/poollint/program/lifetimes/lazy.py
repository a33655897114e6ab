"""Which expressions are results that still need their session or connection: a Query, a Result that nobody read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.loops import ancestors

if TYPE_CHECKING:
    from poollint.program.lifetimes.aliases import Aliases

OF_QUERY = frozenset(
    {
        "filter", "filter_by", "where", "order_by", "options", "join", "outerjoin", "limit", "offset", "group_by",
        "having", "distinct", "with_entities", "select_from", "yield_per", "execution_options", "populate_existing",
        "with_for_update", "add_columns", "union", "union_all", "params", "enable_eagerloads", "slice",
    }
)  # fmt: skip
"""Methods of a Query that give another one."""
_OF_RESULT = frozenset({"scalars", "unique", "mappings", "tuples", "columns", "yield_per", "partitions"})
_AT_ONCE = frozenset({"scalar"})
_DEEPEST = 12


class _Lazy(NamedTuple):
    """A result that still needs its handle ("query" or "result"), and the call on the handle."""

    kind: str
    call: int


_NOT_LAZY = _Lazy("", -1)


def executing_call(expr: model.Expr | None, aliases: Aliases, calls: list[model.Call], scope: model.Scope) -> int:
    """The call on the handle that an unread result comes from; -1 where the expression is no such result."""
    found = _Reading(aliases, calls, scope).of(expr)
    return found.call if found is not None else -1


class _Reading:
    """One look at an expression; each variable in it is looked at once."""

    def __init__(self, aliases: Aliases, calls: list[model.Call], scope: model.Scope) -> None:
        self._aliases = aliases
        self._calls = calls
        self._scope = scope
        self._variables: dict[str, _Lazy | None] = {}

    def of(self, expr: model.Expr | None, depth: int = 0) -> _Lazy | None:
        """None where all depends on a variable that is being looked at: `query = query.filter(...)` says nothing."""
        if depth > _DEEPEST:
            return _NOT_LAZY
        if isinstance(expr, model.Name) and expr.id in self._aliases.derived:
            return self._of_variable(expr.id, depth)
        func = self._calls[expr.index].func if isinstance(expr, model.CallRef) else None
        if not isinstance(expr, model.CallRef) or not isinstance(func, model.Attr):
            return _NOT_LAZY
        handle = self._aliases.handle
        if self._aliases.denotes(func.value, self._aliases.names):
            if func.attr in handle.lazy:
                return _Lazy("query", expr.index)
            is_read_later = func.attr in handle.executes and func.attr not in _AT_ONCE
            return _Lazy("result", expr.index) if is_read_later else _NOT_LAZY
        found = self.of(func.value, depth + 1)
        if found is None:
            return None if func.attr in OF_QUERY | _OF_RESULT else _NOT_LAZY
        goes_on = (found.kind == "query" and func.attr in OF_QUERY) or (
            found.kind == "result" and func.attr in _OF_RESULT
        )
        return found if goes_on else _NOT_LAZY

    def _of_variable(self, name: str, depth: int) -> _Lazy | None:
        if name not in self._variables:
            self._variables[name] = None
            values = (self.of(op.value, depth + 1) for op in assignments(self._scope, name))
            found = {value for value in values if value is not None}
            alike = len({value.kind for value in found}) == 1
            self._variables[name] = min(found) if alike else _NOT_LAZY
        return self._variables[name]


def closed_by_finally(scope: model.Scope, block: int, lines: frozenset[int]) -> bool:
    """A `finally` around the block holds one of the lines, on which the handle is closed."""
    for around in ancestors(scope, block):
        found = scope.blocks[around]
        if found.kind in ("try", "except", "try-else"):
            for each in scope.blocks:
                if each.kind == "finally" and each.group == found.group:
                    if any(each.line <= line <= each.end_line for line in lines):
                        return True
    return False
