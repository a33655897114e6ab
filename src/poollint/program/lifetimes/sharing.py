"""Handles that are made once and serve everybody: module and class variables, default arguments (POL208, POL610)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import is_call, is_main_test

if TYPE_CHECKING:
    from poollint.facts.model import ModuleFacts


def shared(facts: ModuleFacts, index: int) -> str:
    """ "module", "class" or "default argument"; "" for a handle that belongs to one run of a function."""
    call = facts.calls[index]
    if call.op < 0:
        defaults = (parameter.default for scope in facts.scopes for parameter in scope.parameters)
        return "default argument" if any(is_call(default, index) for default in defaults) else ""
    scope = facts.scopes[call.scope]
    if scope.kind not in ("module", "class"):
        return ""
    op = scope.ops[call.op]
    if op.kind != "bind" or not isinstance(op.target, model.Name) or not is_call(op.value, index):
        return ""
    return scope.kind


def is_script(facts: ModuleFacts, index: int) -> bool:
    """The module runs as a program, or uses the handle while it is imported: one thread, and it ends soon (S11)."""
    call = facts.calls[index]
    module = facts.scopes[0]
    if any(is_main_test(block.test) for block in module.blocks):
        return True
    if call.scope != 0 or call.op < 0:
        return False
    target = module.ops[call.op].target
    return isinstance(target, model.Name) and any(_uses(facts.calls[each], target.id) for each in module.calls)


def _uses(call: model.Call, name: str) -> bool:
    return (
        call.op >= 0
        and isinstance(call.func, model.Attr)
        and isinstance(call.func.value, model.Name)
        and call.func.value.id == name
    )
