"""Instances of a class of the program: its subclasses, the files that can get at one, and where instances are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import carries, last_name, place_filled
from poollint.program.mentions import function_of, imported_as
from poollint.program.references import Position, Reference, Role
from poollint.program.values import ClassValue, Function, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.places import Places


class Instances:
    """Follows instances by the names that hand them out: cheaper than by value, and never short of a file."""

    def __init__(self, resolver: Resolver, mentions: Mentions, places: Places) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._places = places
        self._subclasses: dict[ClassValue, tuple[ClassValue, ...]] = {}
        self._names: dict[ClassValue, frozenset[str]] = {}
        self._files: dict[ClassValue, frozenset[str]] = {}

    # ---------------------------------------------------------------------------------------------- classes
    def subclasses(self, cls: ClassValue) -> tuple[ClassValue, ...]:
        """The classes of the program that derive from it, directly or not."""
        known = self._subclasses.get(cls)
        if known is not None:
            return known
        self._subclasses[cls] = ()
        found: list[ClassValue] = []
        name = self._resolver.scope(cls.path, cls.scope).name
        for path in self._resolver.project.deriving(name):
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            for index, scope in enumerate(facts.scopes):
                if scope.kind == "class" and scope.bases:
                    derived = ClassValue(path, index)
                    if derived != cls and cls in self._resolver.classes.bases(derived):
                        found.append(derived)
                        found.extend(self.subclasses(derived))
        known = self._subclasses[cls] = tuple(dict.fromkeys(found))
        return known

    def files(self, cls: ClassValue) -> frozenset[str]:
        """The files that can get at an instance of the class, and the file of the class itself."""
        known = self._files.get(cls)
        if known is None:
            found = {cls.path}
            for token in self._names_of(cls):
                found.update(self._resolver.project.mentioning(token))
            known = self._files[cls] = frozenset(found)
        return known

    def _names_of(self, cls: ClassValue) -> frozenset[str]:
        """Names by which a file can get at an instance: its classes' names and what hands instances out."""
        known = self._names.get(cls)
        if known is None:
            self._names[cls] = frozenset()
            related = {*self._resolver.classes.order(cls), *self.subclasses(cls)}
            found: set[str] = set()
            for each in sorted(related, key=lambda value: (value.path, value.scope)):
                self._providers(each, found)
            known = self._names[cls] = frozenset(found)
        return known

    def _providers(self, cls: ClassValue, found: set[str]) -> None:
        """Add the class's name and the names of functions, attributes and variables that its instances go through.

        Functions are followed from caller to caller; attributes and variables are names only.
        """
        pending: list[tuple[str, ClassValue | Function]] = [(self._resolver.scope(cls.path, cls.scope).name, cls)]
        seen: set[object] = set()
        while pending:
            name, value = pending.pop()
            if (name, value) in seen:
                continue
            seen.add((name, value))
            found.add(name)
            for path in self._resolver.project.calling(name):
                facts = self._resolver.project.facts(path) if not self._places.is_test(path) else None
                if facts is None:
                    continue
                for alias in sorted({name, *imported_as(facts, name)}):
                    if alias != name:
                        pending.append((alias, value))
                    for given, giver in self._handed_out(path, alias, value):
                        found.add(given)
                        if giver is not None:
                            pending.append((given, giver))

    def _handed_out(self, path: str, name: str, value: ClassValue | Function) -> Iterator[tuple[str, Function | None]]:
        """The names under which others find what calls of the class or function in a file give."""
        for reference in self._mentions.of(path, name):
            if reference.position.role is Role.CALLEE and self._stands_for(path, reference, value):
                yield from self._given_by(path, reference)

    def _stands_for(self, path: str, reference: Reference, value: ClassValue | Function) -> bool:
        values = self._resolver.values(path, reference.position.scope, reference.expr)
        return any(each == value or function_of(each) == value for each in values)

    def _given_by(self, path: str, reference: Reference) -> Iterator[tuple[str, Function | None]]:
        """The names under which others find the result of the call, with the function that returns it."""
        references = self._mentions.references(path)
        assert references is not None
        position: Position | None = references.call(reference.position.index)
        if position is None:
            return
        scope = self._resolver.scope(path, position.scope)
        if position.role in (Role.RETURNED, Role.YIELDED) and scope.kind == "function":
            yield scope.name, Function(path, position.scope)
        elif position.role in (Role.ASSIGNED, Role.ENTERED) and position.index >= 0:
            target = scope.ops[position.index].target
            if isinstance(target, model.Name) and scope.kind == "function" and target.id not in scope.globals:
                yield from self._local_gives(path, position.scope, target.id)
            else:
                yield from _stored(target)

    def _local_gives(self, path: str, scope_index: int, name: str) -> Iterator[tuple[str, Function | None]]:
        """What a function does with a local that holds an instance: return it, or store it where others find it."""
        scope = self._resolver.scope(path, scope_index)
        for op in scope.ops:
            if op.value is None or not carries(op.value, name):
                continue
            if op.kind in ("return", "yield"):
                yield scope.name, Function(path, scope_index)
            elif isinstance(op.target, model.Name):
                if op.target.id in scope.globals:
                    yield op.target.id, None
            else:
                yield from _stored(op.target)

    # ---------------------------------------------------------------------------------------------- positions
    def positions(self, function: Function, owner: ClassValue) -> Iterator[tuple[str, Position]]:
        """The positions of instances whose lookup of the method's name gives the function."""
        seen: set[tuple[object, ...]] = set()
        for cls in (owner, *self.subclasses(owner)):
            if cls != owner and not self._runs(cls, function, owner):
                continue
            for path, reference in self._mentions.of_class(cls):
                references = self._mentions.references(path)
                assert references is not None
                if reference.position.role is not Role.CALLEE or self._places.is_test(path):
                    continue
                values = self._resolver.values(path, reference.position.scope, reference.expr)
                position = references.call(reference.position.index)
                if cls in values and position is not None:
                    yield path, position
                    yield from self._held_in_variable(path, position, function, owner, seen)

    def _held_in_variable(
        self,
        path: str,
        position: Position,
        function: Function,
        owner: ClassValue,
        seen: set[tuple[object, ...]],
    ) -> Iterator[tuple[str, Position]]:
        """Where a variable that an instance was assigned to is used."""
        if position.role is not Role.ASSIGNED or position.index < 0:
            return
        scope = self._resolver.scope(path, position.scope)
        target = scope.ops[position.index].target
        if not isinstance(target, (model.Name, model.Attr)):
            return
        name = last_name(target)
        local = isinstance(target, model.Name) and scope.kind == "function"
        key = (path, position.scope if local else 0, name)
        if key in seen:
            return
        seen.add(key)
        for each in [path] if local else self._mentions.files(path, name):
            for reference in self._mentions.of(each, name):
                values = self._resolver.values(each, reference.position.scope, reference.expr)
                if any(isinstance(value, Instance) and self._runs(value.cls, function, owner) for value in values):
                    yield each, reference.position

    def _runs(self, cls: ClassValue, function: Function, owner: ClassValue) -> bool:
        name = self._resolver.scope(function.path, function.scope).name
        return self._resolver.classes.method(cls, name) == (owner, function.scope)


def _stored(target: model.Expr | None) -> Iterator[tuple[str, None]]:
    """The name of the attribute, variable or container that an assignment fills."""
    name = last_name(place_filled(target))
    if name:
        yield name, None
