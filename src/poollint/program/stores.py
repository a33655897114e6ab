"""Where something is put, and where it is read again: variables, parameters, attributes and containers.

A container counts as what holds it: what is put into `HANDLERS[key]` is read wherever `HANDLERS` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import place_filled
from poollint.program.imports import imported_module
from poollint.program.mentions import sees
from poollint.program.values import ClassValue, Function, Instance, ModuleValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.instances import Instances
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.references import Position, Reference


class Variable(Struct, frozen=True):
    """A local variable or parameter of the function `scope`."""

    path: str
    scope: int
    name: str


class ModuleVariable(Struct, frozen=True):
    """A variable of a module."""

    path: str
    name: str


class Attribute(Struct, frozen=True):
    """An attribute of the instances of a class, or of the class itself."""

    cls: ClassValue
    name: str


_ITEM_OF = frozenset({"get", "setdefault"})

Store: TypeAlias = Variable | ModuleVariable | Attribute


class Stores:
    """Names the stores that a statement fills, and finds the positions at which one is read."""

    def __init__(self, resolver: Resolver, mentions: Mentions, instances: Instances) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._instances = instances

    # ---------------------------------------------------------------------------------------------- filling
    def of_target(self, path: str, scope_index: int, target: model.Expr | None) -> Iterator[Store]:
        """What an assignment to `target` in this scope fills."""
        if isinstance(target, model.Name):
            scope = self._resolver.scope(path, scope_index)
            if scope.kind == "function" and target.id not in scope.globals:
                yield Variable(path, scope_index, target.id)
                return
            if scope.kind == "class":
                yield Attribute(ClassValue(path, scope_index), target.id)
            yield ModuleVariable(path, target.id)
        elif isinstance(target, (model.Attr, model.Subscript)):
            yield from self.of_place(path, scope_index, place_filled(target))
        elif isinstance(target, model.Items):
            for item in target.items:
                yield from self.of_target(path, scope_index, item)

    def of_place(self, path: str, scope_index: int, place: model.Expr | None) -> Iterator[Store]:
        """What is filled when something goes into the container, attribute or variable `place`, or an item of it."""
        if isinstance(place, model.Subscript):
            yield from self.of_place(path, scope_index, place.value)
        elif isinstance(place, model.CallRef):
            # `HANDLERS.setdefault(key, [])`
            func = self._resolver.call(path, place.index).func
            if isinstance(func, model.Attr) and func.attr in _ITEM_OF:
                yield from self.of_place(path, scope_index, func.value)
        elif isinstance(place, model.Name):
            binder = self._binder(path, scope_index, place.id)
            yield Variable(path, binder, place.id) if binder > 0 else ModuleVariable(path, place.id)
        elif isinstance(place, model.Attr):
            for value in self._resolver.values(path, scope_index, place.value):
                if isinstance(value, (Instance, ClassValue)):
                    yield Attribute(value if isinstance(value, ClassValue) else value.cls, place.attr)
                elif isinstance(value, ModuleValue):
                    yield ModuleVariable(value.path, place.attr)

    def _binder(self, path: str, scope_index: int, name: str) -> int:
        """The function whose variable a name is, seen from the scope; 0 for one of the module."""
        index = self._resolver.index(path)
        current = scope_index
        while index is not None and current > 0:
            scope = self._resolver.scope(path, current)
            if name in scope.globals:
                return 0
            if scope.kind == "function" and name in index.names(current):
                return current
            current = scope.parent
        return 0

    def of_parameter(self, function: Function, slot: int | str) -> Iterator[Variable]:
        """The parameter that takes the argument at this position or of this keyword."""
        parameters = self._resolver.scope(function.path, function.scope).parameters
        if isinstance(slot, int):
            positional = [each.name for each in parameters if each.kind == "positional"]
            taking = positional[slot] if slot < len(positional) else _first(parameters, "vararg")
        else:
            taking = slot if any(each.name == slot for each in parameters) else _first(parameters, "kwarg")
        if taking:
            yield Variable(function.path, function.scope, taking)

    def of_constructor_argument(self, cls: ClassValue, slot: int | str) -> Iterator[Store]:
        """The parameter of the constructor, or the field of a dataclass, that takes an argument."""
        method = self._resolver.classes.method(cls, "__init__")
        if method is not None:
            function = Function(method[0].path, method[1])
            yield from self.of_parameter(function, slot + 1 if isinstance(slot, int) else slot)
            return
        index = self._resolver.index(cls.path)
        fields = list(index.names(cls.scope)) if index is not None else []
        name = fields[slot] if isinstance(slot, int) and slot < len(fields) else slot
        if isinstance(name, str) and name in fields:
            yield Attribute(cls, name)

    # ---------------------------------------------------------------------------------------------- reading
    def uses(self, store: Store) -> Iterator[tuple[str, Position]]:
        """(path, position) of everything that may read what is in the store."""
        if isinstance(store, Variable):
            return self._uses_of_variable(store)
        if isinstance(store, ModuleVariable):
            return self._uses_of_module_variable(store)
        return self._uses_of_attribute(store)

    def _uses_of_variable(self, store: Variable) -> Iterator[tuple[str, Position]]:
        """In the function that binds it and the functions nested in that."""
        facts = self._resolver.project.facts(store.path)
        if facts is None:
            return
        for reference in self._mentions.of(store.path, store.name):
            scope = reference.position.scope
            if isinstance(reference.expr, model.Name) and sees(facts, scope, store.scope, store.name):
                yield store.path, reference.position

    def _uses_of_module_variable(self, store: ModuleVariable) -> Iterator[tuple[str, Position]]:
        for path in self._mentions.files(store.path, store.name):
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            for reference in self._mentions.of(path, store.name):
                if self._is_module_variable(path, facts, reference, store):
                    yield path, reference.position

    def _is_module_variable(
        self, path: str, facts: model.ModuleFacts, reference: Reference, store: ModuleVariable
    ) -> bool:
        scope = reference.position.scope
        if isinstance(reference.expr, model.Attr):
            return ModuleValue(store.path) in self._resolver.values(path, scope, reference.expr.value)
        if path == store.path:
            return sees(facts, scope, 0, store.name)
        return any(
            imported_module(self._resolver.project, path, imported) == store.path
            for holder in facts.scopes
            for imported in holder.imports
            if imported.name == store.name or (imported.name == "*" and imported.attribute == "*")
        )

    def _uses_of_attribute(self, store: Attribute) -> Iterator[tuple[str, Position]]:
        files = self._instances.files(store.cls)
        for path in self._resolver.project.mentioning(store.name):
            if path not in files:
                continue
            for reference in self._mentions.of(path, store.name):
                if isinstance(reference.expr, model.Attr) and self._may_be_on(path, reference, store.cls):
                    yield path, reference.position

    def _may_be_on(self, path: str, reference: Reference, cls: ClassValue) -> bool:
        """The attribute is read from the class or an instance of it, of a base or of a subclass."""
        assert isinstance(reference.expr, model.Attr)
        derives = self._resolver.classes.derives
        for value in self._resolver.values(path, reference.position.scope, reference.expr.value):
            if isinstance(value, (Instance, ClassValue)):
                found = value if isinstance(value, ClassValue) else value.cls
                if derives(found, cls) or derives(cls, found):
                    return True
        return False


def _first(parameters: list[model.Parameter], kind: str) -> str:
    """The name of the first parameter of a kind, or ""."""
    return next((each.name for each in parameters if each.kind == kind), "")
