"""Which expressions are results that still need their session or connection: a Query, a Result that nobody read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.loops import ancestors

if TYPE_CHECKING:
    from poollint.program.lifetimes.aliases import Aliases

_OF_QUERY = frozenset(
    {
        "filter", "filter_by", "where", "order_by", "options", "join", "outerjoin", "limit", "offset", "group_by",
        "having", "distinct", "with_entities", "select_from", "yield_per", "execution_options", "populate_existing",
        "with_for_update", "add_columns", "union", "union_all", "params", "enable_eagerloads", "slice",
    }
)  # fmt: skip
_OF_RESULT = frozenset({"scalars", "unique", "mappings", "tuples", "columns", "yield_per", "partitions"})
_AT_ONCE = frozenset({"scalar"})
_DEEPEST = 12


def executing_call(expr: model.Expr | None, aliases: Aliases, calls: list[model.Call], scope: model.Scope) -> int:
    """The call on the handle that an unread result comes from; -1 where the expression is no such result."""
    kind, index = _lazy(expr, aliases, calls, scope, 0)
    return index if kind else -1


def _lazy(
    expr: model.Expr | None, aliases: Aliases, calls: list[model.Call], scope: model.Scope, depth: int
) -> tuple[str, int]:
    """("query" or "result" or "", the call on the handle)."""
    if depth > _DEEPEST:
        return "", -1
    if isinstance(expr, model.Name) and expr.id in aliases.derived:
        found = {_lazy(op.value, aliases, calls, scope, depth + 1) for op in assignments(scope, expr.id)}
        kinds = {kind for kind, _ in found}
        return ("", -1) if len(kinds) != 1 else min(found)
    if not isinstance(expr, model.CallRef):
        return "", -1
    func = calls[expr.index].func
    if not isinstance(func, model.Attr):
        return "", -1
    if aliases.denotes(func.value, aliases.names):
        if func.attr in aliases.handle.lazy:
            return "query", expr.index
        if func.attr in aliases.handle.executes and func.attr not in _AT_ONCE:
            return "result", expr.index
        return "", -1
    kind, index = _lazy(func.value, aliases, calls, scope, depth + 1)
    if (kind == "query" and func.attr in _OF_QUERY) or (kind == "result" and func.attr in _OF_RESULT):
        return kind, index
    return "", -1


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
