"""A handle that is made only where none is given: `session or Session()`, or the same as a conditional expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, is_call, without_await
from poollint.program.lifetimes import conditions

if TYPE_CHECKING:
    from poollint.program.lifetimes.conditions import Facts


def ways(scope: model.Scope, call: model.Call, index: int, facts: Facts) -> tuple[Facts | None, Facts | None]:
    """What is known where the call runs, and where its operation does without it; None for a way that cannot be."""
    value = scope.ops[call.op].value if 0 <= call.op < len(scope.ops) else None
    value = without_await(value) if value is not None else None
    if isinstance(value, model.Bool) and value.op == "or" and is_call(value.items[-1], index):
        return _where_missing(value.items[:-1], facts), _where_given(value.items[:-1], facts)
    if isinstance(value, model.Conditional) and is_call(value.body, index):
        return conditions.assumed(value.test, True, facts), conditions.assumed(value.test, False, facts)
    if isinstance(value, model.Conditional) and is_call(value.orelse, index):
        return conditions.assumed(value.test, False, facts), conditions.assumed(value.test, True, facts)
    return facts, None


def _where_missing(given: list[model.Expr], facts: Facts) -> Facts | None:
    """Each of them is None: a session or connection is true."""
    found: Facts | None = facts
    for each in given:
        text = dotted(each)
        if found is None or (f"{text} is None", False) in found:
            return None
        found = conditions.assumed(each, False, found)
        if found is not None and text:
            found |= {(f"{text} is None", True)}
    return found


def _where_given(given: list[model.Expr], facts: Facts) -> Facts | None:
    return conditions.assumed(given[0], True, facts) if len(given) == 1 else facts


def is_other(test: model.Expr, names: frozenset[str]) -> bool | None:
    """What `s is session` gives where `names` hold the handle, and only one of the two is one of them; else None."""
    if not isinstance(test, model.Compare) or test.op not in ("is", "is not"):
        return None
    left, right = test.left, test.right
    if not isinstance(left, model.Name) or not isinstance(right, model.Name):
        return None
    return test.op == "is not" if (left.id in names) != (right.id in names) else None
