"""Where an object is kept: the variable or attribute that the call which makes it is assigned to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, targets_in
from poollint.program.lifetimes.registry_sites import Kept
from poollint.program.lifetimes.spread import call_on, is_whole
from poollint.program.references import Role
from poollint.program.values import ClassValue

if TYPE_CHECKING:
    from poollint.program.lifetimes.spread import Use
    from poollint.program.names import Resolver


def kept_in(resolver: Resolver, use: Use) -> tuple[Kept, str]:
    """Where the mention puts the object, and under which name; LOCAL for one that is called at once."""
    scope = resolver.scope(use.path, use.position.scope)
    if call_on(resolver.facts(use.path), use) is not None:
        return Kept.LOCAL, ""
    if use.position.role is not Role.ASSIGNED or not is_whole(use):
        return Kept.GIVEN, ""
    target = scope.ops[use.position.index].target
    for each in targets_in(target) if target is not None else ():
        return _target(resolver, use, scope, each), dotted(each)
    return Kept.GIVEN, ""


def _target(resolver: Resolver, use: Use, scope: model.Scope, target: model.Expr) -> Kept:
    if isinstance(target, model.Name):
        if scope.kind == "class":
            return Kept.CLASS
        return Kept.MODULE if scope.kind == "module" or target.id in scope.globals else Kept.LOCAL
    if not isinstance(target, model.Attr):
        return Kept.GIVEN
    first = scope.parameters[0].name if scope.parameters else ""
    if isinstance(target.value, model.Name) and target.value.id == first:
        values = resolver.values(use.path, use.position.scope, target.value)
        return Kept.CLASS if any(isinstance(value, ClassValue) for value in values) else Kept.INSTANCE
    return Kept.CLASS
