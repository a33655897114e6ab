"""Numbers of a pool that are given as text: environment variables are strings."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.values import External

if TYPE_CHECKING:
    from poollint.program.names import Resolver
    from poollint.program.pooling.certain import Certain

NUMBERS = ("pool_size", "max_overflow", "pool_timeout", "pool_recycle")
"""The arguments of create_engine() that a pool counts or compares with."""

_ENVIRONMENT = "os.environ"
_READERS = frozenset({"os.getenv", "os.environ.get"})


class TextNumber(str, Enum):
    """Where the text comes from."""

    LITERAL = "a string"
    VARIABLE = "an environment variable"
    OPTIONAL = "an environment variable that may not be set"


def text_number(resolver: Resolver, certain: Certain, path: str, scope: int, expr: model.Expr) -> TextNumber | None:
    """What kind of text the expression gives; None where it is not certain that it gives any.

    `os.getenv("SIZE", 5)` gives text wherever the variable is set.
    """
    expr = certain.behind(path, scope, expr)
    if isinstance(expr, model.Const):
        return TextNumber.LITERAL if isinstance(expr.value, str) and not expr.kind else None
    if isinstance(expr, model.Subscript):
        return TextNumber.VARIABLE if _is(certain, path, scope, expr.value, {_ENVIRONMENT}) else None
    if not isinstance(expr, model.CallRef):
        return None
    call = resolver.call(path, expr.index)
    if not _is(certain, path, call.scope, call.func, _READERS) or not call.args:
        return None
    defaults = [*call.args[1:], *(value for _, value in call.keywords)]
    is_number = len(defaults) == 1 and isinstance(defaults[0], model.Const) and _counts(defaults[0].value)
    return TextNumber.VARIABLE if is_number else TextNumber.OPTIONAL


def _is(certain: Certain, path: str, scope: int, expr: model.Expr, names: set[str] | frozenset[str]) -> bool:
    value = certain.value(path, scope, expr)
    return isinstance(value, External) and value.fqn in names


def _counts(value: object) -> bool:
    """An int, or the text of one."""
    if isinstance(value, str):
        return value.isascii() and value.isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)
