"""Parameters that a piece of code is behind: it runs only for callers that pass one, leave it out or switch it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.absence import left_in_front
from poollint.program.expressions import assignments, is_falsy, is_none
from poollint.program.loops import ancestors
from poollint.program.tested import is_builtin_call

if TYPE_CHECKING:
    from collections.abc import Iterator


def asked_for(facts: model.ModuleFacts, scope: model.Scope, block: int, before: int) -> str:
    """What a caller does to reach operation `before` of a block: "+name" passes a flag, "-name" switches it off, and
    "name" leaves the parameter out, "~name" passes what may be a text.

    `def f(url, fresh=False)` and then `if fresh:` around the place, or `def f(plain=True)` and `if plain: return`
    in front of it; `def __init__(self, engine=None)` and then `if engine is None:`. "" when all callers reach the
    place. A flag says more than a parameter that is left out.
    """
    found = list(_asked_for(facts, scope, block, before))
    return next((each for each in found if each[0] in "+-"), found[0] if found else "")


def _asked_for(facts: model.ModuleFacts, scope: model.Scope, block: int, before: int) -> Iterator[str]:
    chain = ancestors(scope, block)
    for each in chain:
        guarded = scope.blocks[each]
        if guarded.kind in ("if", "else") and guarded.test is not None:
            yield from _flags(facts, scope, guarded.test, guarded.kind == "if")
    for earlier in left_in_front(scope, chain, before):
        if earlier.test is not None:
            yield from _flags(facts, scope, earlier.test, False)


def _flags(facts: model.ModuleFacts, scope: model.Scope, test: model.Expr, holds: bool) -> Iterator[str]:
    """The parameters that have to be given, or left out, for the test to hold (or to fail)."""
    if isinstance(test, model.Not):
        yield from _flags(facts, scope, test.value, not holds)
    elif isinstance(test, model.Bool) and (test.op == "and") == holds:
        for item in test.items:
            yield from _flags(facts, scope, item, holds)
    elif isinstance(test, model.Compare) and isinstance(test.right, model.Const) and test.right.value is None:
        parameter = _parameter(scope, test.left)
        if parameter is None or test.op not in ("is", "is not") or test.right.kind:
            return
        missing = (test.op == "is") == holds
        if parameter.default is None or is_none(parameter.default):
            if missing:
                yield parameter.name
            elif parameter.default is not None:
                yield f"+{parameter.name}"
    elif isinstance(test, model.CallRef):
        yield from _of_a_class(scope, facts.calls[test.index], holds)
    else:
        parameter = _parameter(scope, test)
        if parameter is not None and holds and is_falsy(parameter.default):
            yield f"+{parameter.name}"
        elif parameter is not None and not holds and is_on(parameter.default):
            yield f"-{parameter.name}"
        elif parameter is not None and not holds and is_falsy(parameter.default):
            yield parameter.name


def _of_a_class(scope: model.Scope, call: model.Call, holds: bool) -> Iterator[str]:
    """`isinstance(source, str)` holds, or `isinstance(source, Engine)` does not: other objects do not get here."""
    parameter = _parameter(scope, call.args[0]) if is_builtin_call(call, "isinstance", 2) else None
    if parameter is None:
        return
    classes = call.args[1].items if isinstance(call.args[1], model.Items) else [call.args[1]]
    if holds == any(isinstance(each, model.Name) and each.id == "str" for each in classes):
        yield f"~{parameter.name}"


def _parameter(scope: model.Scope, expr: model.Expr) -> model.Parameter | None:
    """The parameter that a name is, where the function does not bind it again."""
    if not isinstance(expr, model.Name):
        return None
    found = next((each for each in scope.parameters if each.name == expr.id), None)
    return found if found is not None and not any(assignments(scope, expr.id)) else None


def is_on(expr: model.Expr | None) -> bool:
    """A literal True, or another literal that is true."""
    return isinstance(expr, model.Const) and bool(expr.value) and not expr.kind
