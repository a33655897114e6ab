"""Sessions and connections that an object keeps, where nobody can close them: neither the class nor who makes it.

`Audit().count()`: the class runs statements on `self.session` and never ends them, and every object of it is dropped in
the function that makes it, or with its request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import is_call
from poollint.program.graph import Construct, Run
from poollint.program.lifetimes.observations import Escape
from poollint.program.lifetimes.spread import Use, call_on
from poollint.program.references import Role
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.library.model import Handle
    from poollint.program.callers import Callers
    from poollint.program.graph import Node, Source
    from poollint.program.lifetimes.making import Making
    from poollint.program.lifetimes.observations import Observations
    from poollint.program.names import Resolver
    from poollint.program.references import Position, Reference
    from poollint.program.values import ClassValue

FARTHEST = 3
"""Functions that an object is returned through."""
_CONSTRUCTOR = "__init__"
_OF_A_REQUEST = frozenset({"flask.g", "flask.globals.g"})


class KeptByObject(Struct, frozen=True):
    """The class whose objects keep the handle, and the lines of the statements that run on it."""

    cls: ClassValue
    takes: tuple[int, ...]


class Objects:
    """Looks at the class around a constructor that makes a handle, and at all places that make the class."""

    def __init__(self, resolver: Resolver, callers: Callers) -> None:
        self._resolver = resolver
        self._callers = callers

    def keeping(self, making: Making, seen: Observations) -> KeptByObject | None:
        """The class that keeps the handle for ever; None where it is closed, escapes or may do so."""
        scope = self._resolver.call(making.path, making.call).scope
        if self._resolver.scope(making.path, scope).name != _CONSTRUCTOR or set(seen.escapes) != {Escape.STORED}:
            return None
        cls = self._resolver.defining_class(making.path, scope)
        if cls is None or len(seen.attributes) != 1 or making.shared or self._is_derived_or_deriving(cls):
            return None
        (attribute,) = seen.attributes
        if not self._is_stored_on_self(making, scope, attribute):
            return None
        uses = self._uses(cls, attribute, making.handle)
        if not uses or not self._is_always_dropped(cls, frozenset(uses)):
            return None
        return KeptByObject(cls, tuple(sorted({line for lines in uses.values() for line in lines})))

    def _is_derived_or_deriving(self, cls: ClassValue) -> bool:
        """Another class may close what this one keeps."""
        scope = self._resolver.scope(cls.path, cls.scope)
        return bool(scope.bases) or bool(self._resolver.project.deriving(scope.name))

    def _is_stored_on_self(self, making: Making, scope_index: int, attribute: str) -> bool:
        scope = self._resolver.scope(making.path, scope_index)
        return any(
            is_call(op.value, making.call) and isinstance(op.target, model.Attr) and op.target.attr == attribute
            for op in scope.ops
        )

    # ---------------------------------------------------------------------------------------------- the class
    def _uses(self, cls: ClassValue, attribute: str, handle: Handle) -> dict[str, list[int]]:
        """The lines of the methods that run a statement on the attribute and do not end the transaction.

        Nothing where the class closes it, or does anything else with it.
        """
        facts = self._resolver.facts(cls.path)
        taking = {*handle.executes, *handle.takes, *handle.lazy}
        ending = {*handle.commits, *handle.rolls_back}
        ended: set[str] = set()
        found: dict[str, list[int]] = {}
        for method, reference in self._in_methods(cls, attribute):
            index, called = call_on(facts, Use(cls.path, reference.position, reference.expr)) or (-1, "")
            if called in taking:
                found.setdefault(method, []).append(facts.calls[index].line)
            elif called in ending:
                ended.add(method)
            elif called not in handle.quiet:
                return {}
        if self._hands_itself_out(cls):
            return {}
        return {method: lines for method, lines in found.items() if method not in ended}

    def _in_methods(self, cls: ClassValue, name: str) -> Iterator[tuple[str, Reference]]:
        """The mentions of a name in the class, with the method around each."""
        facts = self._resolver.facts(cls.path)
        for reference in self._callers.mentions.of(cls.path, name):
            current = reference.position.scope
            while current > 0 and facts.scopes[current].parent != cls.scope:
                current = facts.scopes[current].parent
            if current > 0:
                yield facts.scopes[current].name, reference

    def _hands_itself_out(self, cls: ClassValue) -> bool:
        """A method returns the object, passes it on or stores it."""
        facts = self._resolver.facts(cls.path)
        receivers = {
            facts.scopes[child].parameters[0].name
            for child in facts.scopes[cls.scope].children
            if facts.scopes[child].parameters
        }
        mentions = (reference for name in sorted(receivers) for _, reference in self._in_methods(cls, name))
        return any(each.position.whole is each.expr and not _is_stored_on(facts, each) for each in mentions)

    # ---------------------------------------------------------------------------------------------- its objects
    def _is_always_dropped(self, cls: ClassValue, taking: frozenset[str]) -> bool:
        """No object outlives the function that makes it, or its request, and each of them runs a statement."""
        called = self._of_results(Construct(cls.path, cls.scope), FARTHEST)
        return called is not None and bool(called & taking)

    def _of_results(self, node: Node, depth: int) -> set[str] | None:
        """The methods that are called on what the node gives; None where it may be kept, or nothing is known of it."""
        found: set[str] = set()
        sources = self._callers.sources(node)
        for source in sources:
            called = self._at_source(source, depth)
            if called is None:
                return None
            found |= called
        return found if sources else None

    def _at_source(self, source: Source, depth: int) -> set[str] | None:
        path = source.span.path
        references = self._callers.mentions.references(path)
        if source.caller is None or not source.is_call or references is None:
            return None
        facts = self._resolver.facts(path)
        for index in spans.calls_at(facts, source.span):
            position = references.call(index)
            if position is None:
                continue
            _, called = call_on(facts, Use(path, position, model.CallRef(index))) or (-1, "")
            if called:
                return {called, _CONSTRUCTOR}
            if not is_call(position.whole, index):
                return None
            if position.role is Role.ASSIGNED:
                return self._of_target(path, position)
            if position.role is Role.RETURNED and depth > 0:
                return self._of_results(Run(path, position.scope), depth - 1)
        return None

    def _of_target(self, path: str, position: Position) -> set[str] | None:
        scope = self._resolver.scope(path, position.scope)
        target = scope.ops[position.index].target
        if isinstance(target, model.Attr) and self._lasts_for_a_request(path, position.scope, target.value):
            return self._of_context(target.attr)
        if isinstance(target, model.Name) and scope.kind == "function":
            if target.id not in {*scope.globals, *scope.nonlocals}:
                mentions = (
                    each for each in self._callers.mentions.of(path, target.id) if isinstance(each.expr, model.Name)
                )
                return self._called_on(path, [each for each in mentions if each.position.scope == position.scope])
        return None

    def _called_on(self, path: str, references: Iterable[Reference]) -> set[str] | None:
        """The methods that are called where the object is mentioned; None where anything else is done with it."""
        found = {_CONSTRUCTOR}
        for reference in references:
            use = Use(path, reference.position, reference.expr)
            _, called = call_on(self._resolver.facts(path), use) or (-1, "")
            if not called:
                return None
            found.add(called)
        return found

    # ---------------------------------------------------------------------------------------------- requests
    def _lasts_for_a_request(self, path: str, scope: int, owner: model.Expr) -> bool:
        values = self._resolver.values(path, scope, owner)
        return any(isinstance(value, (External, ExternalInstance)) and value.fqn in _OF_A_REQUEST for value in values)

    def _of_context(self, name: str) -> set[str] | None:
        """The methods that the program calls on `g.name`."""
        found = {_CONSTRUCTOR}
        project = self._resolver.project
        for path in project.mentioning(name):
            data = project.data(path)
            if any(quote + name.encode() + quote in data for quote in (b"'", b'"')):
                return None  # `g.pop("name")`
            references = [
                each
                for each in self._callers.mentions.of(path, name)
                if isinstance(each.expr, model.Attr)
                and self._lasts_for_a_request(path, each.position.scope, each.expr.value)
            ]
            called = self._called_on(path, references)
            if called is None:
                return None
            found |= called
        return found


def _is_stored_on(facts: model.ModuleFacts, reference: Reference) -> bool:
    """`self.name = ...`: the mention is the object whose attribute is set."""
    ops = facts.scopes[reference.position.scope].ops
    index = reference.position.index
    target = ops[index].target if 0 <= index < len(ops) else None
    return isinstance(target, model.Attr) and target.value is reference.expr
