"""What is looked up first and made only when it is not there: `known = find(key)`, `if known: return known`.

What is looked up and what is made take each other's place: both are returned by the same function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, is_call, without_await
from poollint.program.guard import Guard
from poollint.program.loops import ancestors
from poollint.program.regions import Region
from poollint.program.sites import Times
from poollint.program.tested import Tested
from poollint.program.values import Function, functions_of

if TYPE_CHECKING:
    from poollint.program.absence import Absence
    from poollint.program.keepers import Keepers
    from poollint.program.names import Resolver


class FoundFirst:
    """Finds look-ups in front of a call."""

    def __init__(self, resolver: Resolver, absence: Absence, keepers: Keepers) -> None:
        self._resolver = resolver
        self._absence = absence
        self._keepers = keepers

    def guard(self, path: str, index: int, before: int) -> Guard | None:
        """The guard that a look-up in front of operation `before` is for the call that makes the thing."""
        call = self._resolver.call(path, index)
        scope = self._resolver.scope(path, call.scope)
        if not _is_returned(scope, index):
            return None
        chain = ancestors(scope, call.block)
        for number, earlier in enumerate(scope.blocks):
            if earlier.kind != "if" or earlier.exit != "return" or earlier.test is None or earlier.first_op > before:
                continue
            around = [each for each in ancestors(scope, earlier.parent) if each not in chain]
            if any(scope.blocks[each].kind != "if" for each in around):
                continue
            for tested in self._absence.missing(path, earlier.test, True):
                place = tested.place
                if isinstance(place, model.Name) and _returns_name(scope, number, place.id):
                    if self._is_looked_up(path, scope, place.id):
                        return Guard(Times.PER_KEY, place.id)
        return None

    def _is_looked_up(self, path: str, scope: model.Scope, name: str) -> bool:
        """The local holds what a method, or a function that reads a container, gave for a key."""
        for op in assignments(scope, name):
            value = without_await(op.value) if op.value is not None else None
            if isinstance(value, model.CallRef):
                call = self._resolver.call(path, value.index)
                if not (call.args or call.keywords):
                    return False
                if isinstance(call.func, model.Attr):
                    return True
                functions = [each for found in self._resolver.callee(path, value.index) for each in functions_of(found)]
                return any(self._looks_up(each) for each in functions)
        return False

    def _looks_up(self, function: Function) -> bool:
        """The function returns what a variable of its module holds, and something in that module puts it there."""
        facts = self._resolver.facts(function.path)
        scope = facts.scopes[function.scope]
        for op in scope.ops:
            if op.kind != "return" or op.value is None:
                continue
            for asked in self._absence.read_by(function.path, scope, without_await(op.value)):
                name = dotted(asked.place)
                if name and self._keepers.binder(function.path, function.scope, name) == 0:
                    if self._is_ever_filled(function.path, asked):
                        return True
        return False

    def _is_ever_filled(self, path: str, asked: Tested) -> bool:
        facts = self._resolver.facts(path)
        return any(
            Region(facts, scope, 0, 0).puts_into(Tested(asked.place))
            for number, scope in enumerate(facts.scopes)
            if number > 0 and self._keepers.binder(path, number, dotted(asked.place)) == 0
        )


def _is_returned(scope: model.Scope, index: int) -> bool:
    """The function returns the result of the call, directly or through a local."""
    held: set[str] = set()
    for op in scope.ops:
        value = without_await(op.value) if op.value is not None else None
        if is_call(value, index):
            if op.kind == "return":
                return True
            if isinstance(op.target, model.Name):
                held.add(op.target.id)
        elif op.kind == "return" and isinstance(value, model.Name) and value.id in held:
            return True
    return False


def _returns_name(scope: model.Scope, block: int, name: str) -> bool:
    """A return statement of the block gives the variable."""
    returns = [op.value for op in scope.ops if op.kind == "return" and op.block == block]
    return any(isinstance(value, model.Name) and value.id == name for value in returns)
