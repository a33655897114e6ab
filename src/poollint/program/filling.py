"""What an operation or a call puts something into, and what it takes everything out of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import is_falsy, targets_in
from poollint.program.tested import Tested, attribute_of, is_builtin_call, item_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUTS = frozenset({"append", "appendleft", "add", "insert", "extend", "update", "setdefault", "put", "put_nowait"})
_PUTS_BY_KEY = frozenset({"setdefault", "__setitem__"})
_SWITCHES = frozenset({"set"})
"""An event is set without an argument, a context variable or a cache with some."""
_FILLS = _PUTS | _PUTS_BY_KEY | _SWITCHES
_TAKES = frozenset({"pop", "popleft", "clear"})


def assigned(facts: model.ModuleFacts, op: model.Op) -> Iterator[Tested]:
    """The variables, attributes and keys that get a value here; None, False and the like are no value."""
    if op.target is None or op.kind == "delete" or _is_nothing(op):
        return
    for target in targets_in(op.target):
        if isinstance(target, model.Subscript):
            yield item_of(facts, target.value, target.index)
        else:
            yield Tested(target)


def put_by_assignment(facts: model.ModuleFacts, op: model.Op) -> Iterator[Tested]:
    """The containers that get an item here: `d[k] = value`."""
    if op.target is not None and op.kind != "delete":
        for target in targets_in(op.target):
            if isinstance(target, model.Subscript):
                yield item_of(facts, target.value, target.index)


def put_by_call(facts: model.ModuleFacts, call: model.Call) -> Iterator[Tested]:
    """The container, event or attribute that a call fills: `d.append(x)`, `d.update(...)`, `e.set()`, `setattr`."""
    if is_builtin_call(call, "setattr", 3):
        yield attribute_of(facts, call.args[0], call.args[1])
    elif isinstance(call.func, model.Attr) and call.func.attr in _FILLS:
        if call.func.attr == "update" and not call.args and not call.keywords:
            return
        by_key = call.func.attr in _PUTS_BY_KEY and call.args
        yield item_of(facts, call.func.value, call.args[0] if by_key else None)


def emptied(facts: model.ModuleFacts, op: model.Op) -> Iterator[Tested]:
    """What is deleted here, or set to None, False or an empty display."""
    if op.target is None or not (op.kind == "delete" or _is_nothing(op)):
        return
    for target in targets_in(op.target):
        if isinstance(target, model.Subscript):
            yield item_of(facts, target.value, target.index)
        else:
            yield Tested(target)


def emptied_by_call(facts: model.ModuleFacts, call: model.Call) -> Iterator[Tested]:
    """What a call takes everything, or the key in question, out of: `d.clear()`, `d.pop(k)`, `event.clear()`."""
    if is_builtin_call(call, "delattr", 2):
        yield attribute_of(facts, call.args[0], call.args[1])
    elif isinstance(call.func, model.Attr) and call.func.attr in _TAKES:
        yield item_of(facts, call.func.value, call.args[0] if call.args else None)


def _is_nothing(op: model.Op) -> bool:
    """`X = None`, `X = False`, `X = {}`; an item of a container is a value whatever it is."""
    if op.kind != "bind" or isinstance(op.target, (model.Subscript, model.Items)):
        return False
    return is_falsy(op.value) or is_empty_display(op.value)


def is_empty_display(expr: model.Expr | None) -> bool:
    """`[]`, `{}`, `()`."""
    if isinstance(expr, model.Items):
        return not expr.items
    return isinstance(expr, model.Mapping) and not expr.keys
