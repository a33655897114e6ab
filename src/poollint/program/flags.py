"""Parameters that a piece of code is behind: it runs only for callers that pass a flag, or that switch one off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.absence import left_in_front
from poollint.program.expressions import assignments, is_falsy
from poollint.program.loops import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator


def asked_for(scope: model.Scope, block: int, before: int) -> str:
    """What a caller does to reach operation `before` of a block: "+name" passes a flag, "-name" switches it off.

    `def f(url, fresh=False)` and then `if fresh:` around the place, or `def f(plain=True)` and `if plain: return`
    in front of it. "" when callers reach the place by default.
    """
    chain = ancestors(scope, block)
    for each in chain:
        guarded = scope.blocks[each]
        if guarded.kind in ("if", "else") and guarded.test is not None:
            for flag in _flags(scope, guarded.test, guarded.kind == "if"):
                return flag
    for earlier in left_in_front(scope, chain, before):
        if earlier.test is not None:
            for flag in _flags(scope, earlier.test, False):
                return flag
    return ""


def _flags(scope: model.Scope, test: model.Expr, holds: bool) -> Iterator[str]:
    """The flags that have to be other than their defaults for the test to hold (or to fail)."""
    if isinstance(test, model.Not):
        yield from _flags(scope, test.value, not holds)
    elif isinstance(test, model.Bool) and (test.op == "and") == holds:
        for item in test.items:
            yield from _flags(scope, item, holds)
    elif isinstance(test, model.Compare) and isinstance(test.right, model.Const) and test.right.value is None:
        if test.op in ("is", "is not") and not test.right.kind and (test.op == "is not") == holds:
            parameter = _parameter(scope, test.left)
            if parameter is not None and isinstance(parameter.default, model.Const) and is_none(parameter.default):
                yield f"+{parameter.name}"
    else:
        parameter = _parameter(scope, test)
        if parameter is not None and holds and is_falsy(parameter.default):
            yield f"+{parameter.name}"
        elif parameter is not None and not holds and is_on(parameter.default):
            yield f"-{parameter.name}"


def _parameter(scope: model.Scope, expr: model.Expr) -> model.Parameter | None:
    """The parameter that a name is, where the function does not bind it again."""
    if not isinstance(expr, model.Name) or any(assignments(scope, expr.id)):
        return None
    return next((each for each in scope.parameters if each.name == expr.id), None)


def is_on(expr: model.Expr | None) -> bool:
    """A literal True, or another literal that is true."""
    return isinstance(expr, model.Const) and bool(expr.value) and not expr.kind


def is_none(expr: model.Const) -> bool:
    """A literal None."""
    return expr.value is None and not expr.kind
