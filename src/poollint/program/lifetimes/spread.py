"""Where an object that a call makes is used: followed through variables, attributes, aliases and accessor functions.

Unlike a handle, which lives in one function, a registry or a factory of sessions is kept under a name and used all over
the program. A mention counts when it resolves to the kind of object that is followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import dotted, targets_in, without_await
from poollint.program.mentions import imported_as, sees
from poollint.program.references import Role
from poollint.program.values import ClassValue, ExternalInstance, Function, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.references import Position
    from poollint.program.values import Value, Values

MOST_USES = 5_000
"""Mentions of one object; a program with more says nothing new."""
_QUERY_PROPERTY = "query_property"


class Use(Struct, frozen=True):
    """One mention. `expr` stands for the object, or (`query`) for its query property."""

    path: str
    position: Position
    expr: model.Expr
    query: bool = False


class Spread:
    """Follows objects of the classes `classes` (canonical names); `enters_itself`: `with` binds the very object."""

    def __init__(
        self, resolver: Resolver, mentions: Mentions, classes: frozenset[str], *, enters_itself: bool = False
    ) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._classes = classes
        self._naming = (Role.ASSIGNED, Role.ENTERED) if enters_itself else (Role.ASSIGNED,)

    def uses(self, path: str, index: int) -> list[Use]:
        """Every place where the object made by this call is mentioned, its own place first."""
        references = self._mentions.references(path)
        position = references.call(index) if references is not None else None
        if position is None:
            return []
        found: dict[tuple[str, int], Use] = {}
        pending = [Use(path, position, model.CallRef(index))]
        while pending and len(found) < MOST_USES:
            use = pending.pop()
            key = (use.path, id(use.position) if not isinstance(use.expr, model.CallRef) else ~use.expr.index)
            if key in found:
                continue
            found[key] = use
            if not use.query:
                pending.extend(self._further(use))
        return list(found.values())

    # ---------------------------------------------------------------------------------------------- one step
    def _further(self, use: Use) -> Iterator[Use]:
        role, scope = use.position.role, self._resolver.scope(use.path, use.position.scope)
        if role in self._naming and is_whole(use):
            target = scope.ops[use.position.index].target
            for each in targets_in(target) if target is not None else ():
                yield from self._named(use.path, use.position.scope, each)
        elif role is Role.RETURNED and is_whole(use) and scope.kind == "function":
            yield from self._given_by(Function(use.path, use.position.scope))
        elif (called := call_on(self._resolver.facts(use.path), use)) is not None and called[1] == _QUERY_PROPERTY:
            yield from self._queries(use.path, called[0])

    def _named(self, path: str, scope_index: int, target: model.Expr) -> Iterator[Use]:
        scope = self._resolver.scope(path, scope_index)
        if isinstance(target, model.Name):
            if scope.kind in ("function", "lambda") and target.id not in scope.globals:
                facts = self._resolver.facts(path)
                is_seen: dict[int, bool] = {}
                for reference in self._mentions.of(path, target.id):
                    reader = reference.position.scope
                    if isinstance(reference.expr, model.Name) and reader:
                        if reader not in is_seen:
                            is_seen[reader] = sees(facts, reader, scope_index, target.id)
                        if is_seen[reader]:
                            yield Use(path, reference.position, reference.expr)
            else:
                owners: Values = (ClassValue(path, scope_index),) if scope.kind == "class" else ()
                yield from self._elsewhere(path, target.id, "", owners)
        elif isinstance(target, model.Attr):
            owners = self._resolver.values(path, scope_index, target.value)
            text = "" if any(isinstance(each, (Instance, ClassValue)) for each in owners) else dotted(target)
            yield from self._elsewhere(path, target.attr, text, owners)

    def _elsewhere(self, home: str, name: str, text: str, owners: Values) -> Iterator[Use]:
        """Mentions in the program that resolve to the object, or are spelled `text` where nothing is known of it."""
        for path in self._mentions.files(home, name):
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            for alias in sorted({name, *imported_as(facts, name)}):
                for reference in self._mentions.of(path, alias):
                    same_text = bool(text) and path == home and dotted(reference.expr) == text
                    if same_text or self._denotes(path, reference.position.scope, reference.expr, owners):
                        yield Use(path, reference.position, reference.expr)

    def _denotes(self, path: str, scope: int, expr: model.Expr, owners: Values) -> bool:
        values = self._resolver.values(path, scope, expr)
        if any(self._is_other_maker(value) for value in values):
            return False
        if isinstance(expr, model.Attr) and owners:
            return self._is_of(path, scope, expr.value, owners)  # Other classes have attributes of that name, too.
        if isinstance(expr, model.Attr):
            held = self._resolver.values(path, scope, expr.value)
            if any(isinstance(value, (Instance, ClassValue)) for value in held):
                return False  # An attribute of that name, where the object is a variable.
        elif owners and ClassValue(path, scope) not in owners:
            return False  # A variable of that name, where the object is an attribute.
        return any(self._is_wanted(value) for value in values)

    def _is_other_maker(self, value: Value) -> bool:
        """Something else that makes sessions: the name holds either, and the mention may be of the other."""
        if not isinstance(value, ExternalInstance) or value.fqn in self._classes:
            return False
        return self._resolver.library.handle_maker(f"{value.fqn}.__call__") is not None

    def _is_wanted(self, value: Value) -> bool:
        return isinstance(value, ExternalInstance) and value.fqn in self._classes

    def _given_by(self, function: Function) -> Iterator[Use]:
        """Calls of a function that returns the object."""
        name = self._resolver.scope(function.path, function.scope).name
        for path in self._mentions.files(function.path, name):
            references = self._mentions.references(path)
            facts = self._resolver.project.facts(path)
            if references is None or facts is None:
                continue
            for alias in sorted({name, *imported_as(facts, name)}):
                for reference in references.of(alias):
                    position = reference.position
                    if position.role is Role.CALLEE and position.whole is reference.expr:
                        outer = references.call(position.index)
                        if outer is not None and self._mentions.is_function(path, reference, function):
                            yield Use(path, outer, model.CallRef(position.index))

    # ---------------------------------------------------------------------------------------------- Model.query
    def _queries(self, path: str, index: int) -> Iterator[Use]:
        """Mentions of the attribute that holds `registry.query_property()`, on the class and those derived from it."""
        references = self._mentions.references(path)
        position = references.call(index) if references is not None else None
        if position is None or position.role is not Role.ASSIGNED:
            return
        scope = self._resolver.scope(path, position.scope)
        target = scope.ops[position.index].target
        owners: Values = ()
        if isinstance(target, model.Attr):
            owners = self._resolver.values(path, position.scope, target.value)
        elif isinstance(target, model.Name) and scope.kind == "class":
            owners = (ClassValue(path, position.scope),)
        if not owners or not isinstance(target, (model.Attr, model.Name)):
            return
        name = target.attr if isinstance(target, model.Attr) else target.id
        for other in self._resolver.project.mentioning(name):
            for reference in self._mentions.of(other, name):
                expr = reference.expr
                if isinstance(expr, model.Attr) and self._is_of(other, reference.position.scope, expr.value, owners):
                    yield Use(other, reference.position, expr, True)

    def _is_of(self, path: str, scope: int, expr: model.Expr, owners: Values) -> bool:
        """The expression is one of the owners, a class derived from one, or an instance of such a class."""
        owners = tuple(owner.cls if isinstance(owner, Instance) else owner for owner in owners)
        for value in self._resolver.values(path, scope, expr):
            if value in owners:
                return True
            cls = value.cls if isinstance(value, Instance) else value
            if not isinstance(cls, ClassValue):
                continue
            for each in self._resolver.classes.order(cls):
                facts = self._resolver.scope(each.path, each.scope)
                bases = [v for base in facts.bases for v in self._resolver.values(each.path, facts.parent, base)]
                if each in owners or any(base in owners for base in bases):
                    return True
        return False


def is_whole(use: Use) -> bool:
    """The object itself stands in that position, not something computed from it."""
    return same(use.position.whole, use.expr)


def call_on(facts: model.ModuleFacts, use: Use) -> tuple[int, str] | None:
    """The call of the object ("") or of one of its methods that the mention belongs to."""
    index = use.position.index
    if not 0 <= index < len(facts.calls):
        return None
    func = facts.calls[index].func
    if func is not use.position.whole:
        return None
    if same(func, use.expr):
        return index, ""
    return (index, func.attr) if isinstance(func, model.Attr) and same(func.value, use.expr) else None


def same(expr: model.Expr, other: model.Expr) -> bool:
    """One expression is the other, awaited or not."""
    bare = without_await(expr)
    if isinstance(bare, model.CallRef) and isinstance(other, model.CallRef):
        return bare.index == other.index
    return bare is other
