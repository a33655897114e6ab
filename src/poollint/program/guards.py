"""Once-guards: tests that let a piece of code run a single time, per process, key, instance or thread.

A guard counts only when the code behind it really fills what is tested. One that fills a local is dead memoisation.
The forms are S2-S4 and S15 of the rule catalogue: a tested global (also a derived one), attribute, key of a container,
`hasattr`/`getattr`, `try ... except KeyError`, `setdefault`, a process id in the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.absence import Absence
from poollint.program.expressions import dotted, is_call, without_await
from poollint.program.flags import asked_for
from poollint.program.found_first import FoundFirst
from poollint.program.guard import Guard
from poollint.program.keepers import Keepers
from poollint.program.regions import Region
from poollint.program.tested import Tested, item_of
from poollint.program.values import functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver
    from poollint.program.values import Function


class Guards:
    """Finds the guard in front of a place."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._absence = Absence(resolver)
        self._keepers = Keepers(resolver)
        self._found_first = FoundFirst(resolver, self._absence, self._keepers)
        self._memo: dict[tuple[str, int, int, int], Guard | None] = {}
        self._called: dict[tuple[str, int, str, int, int], bool] = {}

    def of_call(self, path: str, index: int) -> Guard | None:
        """The guard that makes this call run once, or a dead one, or None."""
        call = self._resolver.call(path, index)
        before = max(call.op, 0)
        found = self.at(path, call.scope, call.block, before)
        if found is not None and not found.dead and not found.parameter:
            return found
        return (
            self._alternative(path, index, call)
            or self._setdefault(path, call)
            or self._found_first.guard(path, index, before)
            or found
        )

    def at(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        """The guard in front of operation `before` in a block of a scope."""
        key = (path, scope_index, block, before)
        if key not in self._memo:
            self._memo[key] = self._find(path, scope_index, block, before)
        return self._memo[key]

    def _find(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        dead: Guard | None = None
        for tested, region in self._absence.tested(path, scope_index, block, before):
            guard = self._judge(path, scope_index, tested, region)
            if guard is not None and not guard.dead:
                return guard
            dead = dead or guard
        facts = self._resolver.facts(path)
        flag = "" if dead is not None else asked_for(facts, facts.scopes[scope_index], block, before)
        return Guard(None, flag, parameter=True) if flag else dead

    # ---------------------------------------------------------------------------------------------- expressions
    def _alternative(self, path: str, index: int, call: model.Call) -> Guard | None:
        """`engine = engine or create_engine(url)`, `create_engine(url) if engine is None else engine`."""
        scope = self._resolver.scope(path, call.scope)
        if not 0 <= call.op < len(scope.ops):
            return None
        op = scope.ops[call.op]
        value = without_await(op.value) if op.value is not None else None
        for tested in self._instead_of(path, index, value):
            place = tested.place
            if isinstance(place, model.Name) and any(each.name == place.id for each in scope.parameters):
                return Guard(None, place.id, parameter=True)
            if op.target is not None and dotted(place) and dotted(op.target) == dotted(place):
                return self._judge(path, call.scope, tested, Region(self._resolver.facts(path), scope, op.block, 0))
        return None

    def _instead_of(self, path: str, index: int, value: model.Expr | None) -> Iterator[Tested]:
        """What the expression gives instead of the call, where that is there."""
        if isinstance(value, model.Bool) and value.op == "or" and is_call(value.items[-1], index):
            yield Tested(value.items[0])
        elif isinstance(value, model.Conditional) and is_call(value.body, index):
            yield from self._absence.missing(path, value.test, False)
        elif isinstance(value, model.Conditional) and is_call(value.orelse, index):
            yield from self._absence.missing(path, value.test, True)

    def _setdefault(self, path: str, call: model.Call) -> Guard | None:
        """`CACHE.setdefault(key, create_engine(...))`: the engines made in vain never connect."""
        if call.outer < 0 or call.role != "arg":
            return None
        outer = self._resolver.call(path, call.outer)
        if isinstance(outer.func, model.Attr) and outer.func.attr == "setdefault" and outer.args:
            tested = item_of(self._resolver.facts(path), outer.func.value, outer.args[0])
            if dotted(tested.place):
                return self._keepers.judge(path, call.scope, tested)
        return None

    # ---------------------------------------------------------------------------------------------- judgement
    def _judge(self, path: str, scope_index: int, tested: Tested, region: Region) -> Guard | None:
        """The guard that a test is, given the operations behind it."""
        if not dotted(tested.place):
            return None
        if tested.on:
            found = self._keepers.judge(path, scope_index, tested) if region.switches_off(tested) else None
            return found if found is not None and not found.parameter else None
        scope = self._resolver.scope(path, scope_index)
        inner = self._inner_container(path, scope, tested, region)
        if inner is not None:
            return self._keepers.judge(path, scope_index, inner)
        alias = self._absence.behind(path, scope, tested.place)
        if alias is not None and dotted(alias.place):
            tested = alias
        if region.fills(tested) or self._filled_by_callee(path, scope_index, tested, region):
            return self._keepers.judge(path, scope_index, tested)
        if self._is_dead(path, scope_index, tested.place, region):
            return Guard(None, dotted(tested.place), dead=True)
        return None

    def _inner_container(self, path: str, scope: model.Scope, tested: Tested, region: Region) -> Tested | None:
        """The container in which the tested local container is kept, with both keys."""
        outer = self._absence.around(path, scope, tested.place)
        if outer is None or not dotted(outer.place) or not region.puts_into(tested):
            return None
        keys = [each for each in (outer.key, tested.key) if each is not None]
        return Tested(outer.place, model.Items("tuple", keys) if len(keys) > 1 else keys[0] if keys else None)

    def _is_dead(self, path: str, scope_index: int, place: model.Expr, region: Region) -> bool:
        """Behind the test a local of the same name is filled, and what was tested is not: it stays missing for ever."""
        scope = self._resolver.scope(path, scope_index)
        if isinstance(place, model.Name):
            index = self._resolver.index(path)
            if index is None or place.id in index.names(scope_index) or place.id not in index.names(0):
                return False
        elif scope.parameters and dotted(place).split(".")[0] != scope.parameters[0].name:
            return False
        name = dotted(place).rpartition(".")[2].strip("_")
        other = {*scope.globals, *(each.name for each in scope.parameters)}
        return bool(name) and any(local.strip("_") == name and local not in other for local in region.fills_locals())

    # ---------------------------------------------------------------------------------------------- callees
    def _filled_by_callee(self, path: str, scope_index: int, tested: Tested, region: Region) -> bool:
        """A function called behind the test fills the tested global or attribute: `if X is None: init()`."""
        key = (path, scope_index, dotted(tested.place), region.block, region.first)
        if key not in self._called:
            self._called[key] = any(
                self._fills(function, path, tested)
                for index in region.calls()
                for value in self._resolver.callee(path, index)
                for function in functions_of(value)
            )
        return self._called[key]

    def _fills(self, function: Function, path: str, tested: Tested) -> bool:
        facts = self._resolver.facts(function.path)
        scope = facts.scopes[function.scope]
        place = tested.place
        if isinstance(place, model.Name):
            if function.path != path or self._keepers.binder(path, function.scope, place.id) != 0:
                return False
            return Region(facts, scope, 0, 0).fills(tested)
        return isinstance(place, model.Attr) and any(
            isinstance(op.target, model.Attr) and op.target.attr == place.attr for op in scope.ops
        )
