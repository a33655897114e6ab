"""Decorators of the program that keep a result: `@once`, `@memoise`, `@lazy_property`, whatever they are called.

What counts is the body of the wrapper: each of its calls of the decorated function lies behind a guard that outlives
the call, or the wrapper is memoised by the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import depends_on
from poollint.program.loops import ancestors
from poollint.program.sites import Times
from poollint.program.values import BoundMethod, ClassValue, External, Function, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.guards import Guards
    from poollint.program.names import Resolver
    from poollint.program.values import Value

_DEEPEST = 2


class OwnCache(Struct, frozen=True):
    """What such a decorator keeps: one result ("none"), one for each arguments ("args") or object ("instance").

    `locked`: the first call holds a lock, or something else that is entered with `with`.
    """

    keyed: str
    locked: bool = False


class OwnCaches:
    """Reads the decorators of functions and classes."""

    def __init__(self, resolver: Resolver, guards: Guards) -> None:
        self._resolver = resolver
        self._guards = guards
        self._memo: dict[tuple[str, int], OwnCache | None] = {}

    def around(self, path: str, scope_index: int) -> OwnCache | None:
        """The cache that decorates a function or class which is defined once; None without one."""
        key = (path, scope_index)
        if key not in self._memo:
            self._memo[key] = self._find(path, scope_index)
        return self._memo[key]

    def _find(self, path: str, scope_index: int) -> OwnCache | None:
        scope = self._resolver.scope(path, scope_index)
        if not scope.decorators or not self._is_defined_once(path, scope):
            return None
        for decorator in scope.decorators:
            for value in self._resolver.values(path, max(scope.parent, 0), decorator.value):
                found = self._kept_by(value)
                if found is not None:
                    return found
        return None

    def _is_defined_once(self, path: str, scope: model.Scope) -> bool:
        """It is no function inside of a function: each run of that one would begin with an empty cache."""
        while scope.parent > 0:
            scope = self._resolver.scope(path, scope.parent)
            if scope.kind != "class":
                return False
        return True

    # ---------------------------------------------------------------------------------------------- decorators
    def _kept_by(self, decorator: Value) -> OwnCache | None:
        """What applying the decorator to a function keeps of it."""
        if isinstance(decorator, Function):
            return self._kept_by_function(decorator, 0, 0)
        if isinstance(decorator, BoundMethod):
            return self._kept_by_function(decorator.function, 1, 0)
        if isinstance(decorator, ClassValue):
            return self._kept_by_object(decorator)
        if isinstance(decorator, Instance):
            for method in self._resolver.attribute(decorator, "__call__"):
                if isinstance(method, BoundMethod):
                    return self._kept_by_function(method.function, 1, 0)
        return None

    def _kept_by_function(self, decorator: Function, slot: int, depth: int) -> OwnCache | None:
        """`def once(function): ... return wrapper`; with optional arguments another decorator stands inside of it."""
        facts = self._resolver.facts(decorator.path)
        scope = facts.scopes[decorator.scope]
        positional = [each.name for each in scope.parameters if each.kind == "positional"]
        if scope.kind != "function" or slot >= len(positional):
            return None
        name = positional[slot]
        inside = list(_inside(facts, decorator.scope))
        calls = [
            index
            for each in inside
            for index in facts.scopes[each].calls
            if facts.calls[index].func == model.Name(name) and not _is_hidden(facts, each, decorator.scope, name)
        ]
        if calls:
            return self._all_kept(decorator.path, calls)
        if any(self._memoises(decorator.path, index, name) for each in inside for index in facts.scopes[each].calls):
            return OwnCache("args", locked=True)
        if depth < _DEEPEST:
            for child in scope.children:
                found = self._kept_by_function(Function(decorator.path, child), 0, depth + 1)
                if found is not None:
                    return found
        return None

    def _kept_by_object(self, decorator: ClassValue) -> OwnCache | None:
        """A class whose objects stand in the place of what they decorate: `__init__` keeps it, `__call__` calls it."""
        made = self._resolver.classes.method(decorator, "__init__")
        called = self._resolver.classes.method(decorator, "__call__") or self._resolver.classes.method(
            decorator, "__get__"
        )
        if made is None or called is None:
            return None
        facts = self._resolver.facts(called[0].path)
        held = _held_attributes(self._resolver.scope(made[0].path, made[1]))
        callees = {index: facts.calls[index].func for index in facts.scopes[called[1]].calls}
        calls = [index for index, func in callees.items() if isinstance(func, model.Attr) and func.attr in held]
        return self._all_kept(called[0].path, calls) if calls else None

    # ---------------------------------------------------------------------------------------------- wrappers
    def _all_kept(self, path: str, calls: list[int]) -> OwnCache | None:
        """The results of all these calls of the decorated function are kept."""
        found = [self._kept(path, index) for index in calls]
        kept = [each for each in found if each is not None]
        if len(kept) < len(found):
            return None
        order = ("none", "instance", "args")
        return OwnCache(max((each.keyed for each in kept), key=order.index), all(each.locked for each in kept))

    def _kept(self, path: str, index: int) -> OwnCache | None:
        call = self._resolver.call(path, index)
        scope = self._resolver.scope(path, call.scope)
        if self._is_memoised(path, call.scope):
            return OwnCache("args" if scope.parameters else "none", locked=True)
        guard = self._guards.of_call(path, index)
        if guard is None or guard.dead or guard.parameter or guard.times is Times.PER_THREAD:
            return None
        locked = any(scope.blocks[each].kind == "with" for each in ancestors(scope, call.block))
        own = {each.name for each in scope.parameters}
        if guard.owner is None and guard.target.split(".")[0] in own:
            return OwnCache("instance", locked) if "." in guard.target else None
        index_of_names = self._resolver.index(path)
        local = own | set(index_of_names.names(call.scope)) if index_of_names is not None else own
        keyed = guard.key is not None and depends_on(self._resolver.facts(path), guard.key, local)
        return OwnCache("args" if keyed else "none", locked)

    def _is_memoised(self, path: str, scope_index: int) -> bool:
        names = self._resolver.decorator_names(path, scope_index)
        return any(self._resolver.library.memoizer(name) is not None for name in names)

    def _memoises(self, path: str, index: int, name: str) -> bool:
        """`lru_cache(function)`, `lru_cache(maxsize=None)(function)`."""
        call = self._resolver.call(path, index)
        if model.Name(name) not in call.args:
            return False
        func = call.func
        if isinstance(func, model.CallRef):
            func = self._resolver.call(path, func.index).func
        values = self._resolver.values(path, call.scope, func)
        return any(
            isinstance(each, External) and self._resolver.library.memoizer(each.fqn) is not None for each in values
        )


def _inside(facts: model.ModuleFacts, scope_index: int) -> Iterator[int]:
    """The scopes inside of a scope, itself included."""
    yield scope_index
    for child in facts.scopes[scope_index].children:
        yield from _inside(facts, child)


def _held_attributes(init: model.Scope) -> set[str]:
    """The attributes in which a constructor keeps its arguments as they are."""
    given = {each.name for each in init.parameters[1:]}
    return {
        op.target.attr
        for op in init.ops
        if isinstance(op.target, model.Attr) and isinstance(op.value, model.Name) and op.value.id in given
    }


def _is_hidden(facts: model.ModuleFacts, scope_index: int, decorator: int, name: str) -> bool:
    """A function between the two binds the name to something else."""
    while scope_index != decorator:
        if any(each.name == name for each in facts.scopes[scope_index].parameters):
            return True
        scope_index = facts.scopes[scope_index].parent
    return False
