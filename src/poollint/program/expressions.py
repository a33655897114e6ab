"""Questions about an expression of the facts that its syntax alone answers: how it is spelled, what it mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_DEEPEST_CALL = 5


def last_name(expr: model.Expr | None) -> str:
    """The last component of a name: "connect" of `engine.connect`; "" for anything else."""
    if isinstance(expr, model.Attr):
        return expr.attr
    return expr.id if isinstance(expr, model.Name) else ""


def dotted(expr: model.Expr | None) -> str:
    """A dotted name as source text ("self._engines"); "" for anything that does not start with a bare name."""
    if isinstance(expr, model.Name):
        return expr.id
    if isinstance(expr, model.Attr):
        inner = dotted(expr.value)
        return f"{inner}.{expr.attr}" if inner else ""
    return ""


def from_dotted(text: str) -> model.Expr:
    """The expression that `dotted` gives the text of."""
    head, *rest = text.split(".")
    expr: model.Expr = model.Name(head)
    for attr in rest:
        expr = model.Attr(expr, attr)
    return expr


def spelled(expr: model.Expr, facts: model.ModuleFacts | None = None) -> str:
    """A callee as written, for a message; a call inside of it as `Name(...)` where the facts of its file are given."""
    if isinstance(expr, model.Attr):
        inner = spelled(expr.value, facts)
        return f"{inner}.{expr.attr}" if inner else expr.attr
    if isinstance(expr, model.CallRef) and facts is not None:
        return f"{spelled(facts.calls[expr.index].func, facts)}(...)"
    return expr.id if isinstance(expr, model.Name) else ""


def is_falsy(expr: model.Expr | None) -> bool:
    """A literal None, False, 0 or empty text."""
    return isinstance(expr, model.Const) and not expr.value and not expr.kind


def is_none(expr: model.Expr | None) -> bool:
    """The literal None."""
    return isinstance(expr, model.Const) and expr.value is None and not expr.kind


def text_of(expr: model.Expr) -> str:
    """The text of a string literal, else ""."""
    return expr.value if isinstance(expr, model.Const) and isinstance(expr.value, str) else ""


def without_await(expr: model.Expr) -> model.Expr:
    """What is awaited, or the expression itself."""
    return expr.value if isinstance(expr, model.Await) else expr


def is_call(expr: model.Expr | None, index: int) -> bool:
    """The expression is the result of this call, awaited or not."""
    bare = without_await(expr) if expr is not None else None
    return isinstance(bare, model.CallRef) and bare.index == index


def is_main_test(test: model.Expr | None) -> bool:
    """`__name__ == "__main__"`, as the test of an `if`."""
    return isinstance(test, model.Compare) and isinstance(test.left, model.Name) and test.left.id == "__name__"


def values_given(call: model.Call) -> list[model.Expr]:
    """All that a call passes: positional arguments, then keyword arguments."""
    return [*call.args, *(value for _, value in call.keywords)]


def texts_given(call: model.Call) -> set[str]:
    """The string literals that a call passes."""
    return {text for each in values_given(call) if (text := text_of(each))}


def evaluated(facts: model.ModuleFacts, scope: model.Scope) -> Iterator[model.Expr]:
    """What a scope evaluates: callees and arguments of its calls, then the values of its operations."""
    for index in scope.calls:
        call = facts.calls[index]
        yield call.func
        yield from values_given(call)
    for op in scope.ops:
        if op.value is not None:
            yield op.value


def mentions(expr: model.Expr, names: Collection[str], attributes: bool = False) -> bool:
    """The expression contains one of these variables, or (`attributes`) an attribute of such a name."""
    if isinstance(expr, model.Name):
        return expr.id in names
    if isinstance(expr, model.Attr):
        return (attributes and expr.attr in names) or mentions(expr.value, names, attributes)
    if isinstance(expr, (model.Await, model.Star, model.Not, model.Walrus)):
        return mentions(expr.value, names, attributes)
    if isinstance(expr, (model.Items, model.Bool, model.Derived)):
        return any(mentions(item, names, attributes) for item in expr.items)
    if isinstance(expr, model.Subscript):
        return mentions(expr.value, names, attributes) or mentions(expr.index, names, attributes)
    if isinstance(expr, model.Conditional):
        return mentions(expr.body, names, attributes) or mentions(expr.orelse, names, attributes)
    return False


def depends_on(facts: model.ModuleFacts, expr: model.Expr, names: Collection[str], depth: int = 0) -> bool:
    """The value is computed from one of these variables, also through the arguments of calls."""
    if mentions(expr, names):
        return True
    if depth >= _DEEPEST_CALL:
        return False
    return any(depends_on(facts, part, names, depth + 1) for part in parts_of(facts, expr))


def parts_of(facts: model.ModuleFacts, expr: model.Expr) -> list[model.Expr]:
    """The expressions that a value is computed from: operands, items, the callee and arguments of a call."""
    if isinstance(expr, model.CallRef):
        call = facts.calls[expr.index]
        return [*values_given(call), call.func]
    if isinstance(expr, (model.Items, model.Bool, model.Derived)):
        return expr.items
    if isinstance(expr, (model.Attr, model.Await, model.Star, model.Not, model.Walrus)):
        return [expr.value]
    if isinstance(expr, model.Subscript):
        return [expr.value, expr.index]
    if isinstance(expr, model.Compare):
        return [expr.left, expr.right]
    return [expr.body, expr.orelse] if isinstance(expr, model.Conditional) else []


def carries(expr: model.Expr, name: str) -> bool:
    """The value is that of the variable, may be it, or is a display that holds it."""
    if isinstance(expr, model.Name):
        return expr.id == name
    if isinstance(expr, (model.Items, model.Bool)):
        return any(carries(item, name) for item in expr.items)
    if isinstance(expr, model.Mapping):
        return any(carries(item, name) for item in expr.values)
    if isinstance(expr, model.Conditional):
        return carries(expr.body, name) or carries(expr.orelse, name)
    return isinstance(expr, (model.Await, model.Star, model.Walrus)) and carries(expr.value, name)


def attributes_in(expr: model.Expr) -> Iterator[model.Attr]:
    """The attribute expressions in a dotted expression or display, outermost first."""
    if isinstance(expr, model.Attr):
        yield expr
        yield from attributes_in(expr.value)
    elif isinstance(expr, (model.Items, model.Bool, model.Derived)):
        for item in expr.items:
            yield from attributes_in(item)
    elif isinstance(expr, model.Mapping):
        for item in expr.values:
            yield from attributes_in(item)
    elif isinstance(expr, (model.Await, model.Star, model.Not, model.Walrus, model.Subscript)):
        yield from attributes_in(expr.value)


def targets_in(target: model.Expr) -> Iterator[model.Expr]:
    """The single targets of an assignment, tuples and lists taken apart."""
    if isinstance(target, model.Items):
        for item in target.items:
            yield from targets_in(item)
    else:
        yield target.value if isinstance(target, model.Star) else target


def names_bound(target: model.Expr | None) -> set[str]:
    """The variables that an assignment to the target binds."""
    return {each.id for each in targets_in(target) if isinstance(each, model.Name)} if target is not None else set()


def place_filled(target: model.Expr | None) -> model.Expr | None:
    """The variable, attribute or container that an assignment to a single target fills."""
    return target.value if isinstance(target, model.Subscript) else target


def assignments(scope: model.Scope, name: str) -> Iterator[model.Op]:
    """The operations of a scope whose whole target is this variable (also `del name`)."""
    for op in scope.ops:
        if isinstance(op.target, model.Name) and op.target.id == name:
            yield op
