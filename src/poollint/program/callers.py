"""Finds what runs a node: the reverse half of the call graph, on demand.

For a function at stake the files that mention its name are read, and every mention that resolves to it is followed to
where the value ends: in a call, in a registration with a library, in a parameter, a variable, an attribute or a
container from which it is called later. Mentions in tests are no callers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.program.conditions import Conditions
from poollint.program.expressions import texts_given
from poollint.program.following import Argument, Following
from poollint.program.graph import Construct, Node, Run, Source
from poollint.program.instances import Instances
from poollint.program.loading import Loading
from poollint.program.mentions import Mentions, imported_as
from poollint.program.methods import Methods
from poollint.program.references import Position, Role
from poollint.program.sites import Span
from poollint.program.stores import Stores
from poollint.program.trail import Trail
from poollint.program.values import ClassValue, Function, Instance

if TYPE_CHECKING:
    from poollint.program.guards import Guards
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.registrations import Registrations


class Callers:
    """The sources of nodes, each found once. `mentions` is the reverse index that they are found with, `guards` what
    makes code run once."""

    def __init__(self, resolver: Resolver, guards: Guards, registrations: Registrations, places: Places) -> None:
        self.mentions = Mentions(resolver)
        self.guards = guards
        self.conditions = Conditions(resolver)
        instances = Instances(resolver, self.mentions, places)
        stores = Stores(resolver, self.mentions, instances)
        self._loading = Loading(resolver, self.mentions, places)
        self._resolver = resolver
        self._registrations = registrations
        self._following = Following(resolver, guards, registrations, places, self.mentions, stores)
        self._methods = Methods(resolver, registrations, self.mentions, instances, self._following, self.sources)
        self._memo: dict[Node, tuple[Source, ...]] = {}
        self._referenced: dict[Node, bool] = {}

    def is_referenced(self, node: Node) -> bool:
        """Something in the program (tests included) mentions the node."""
        self.sources(node)
        return self._referenced.get(node, False)

    def is_public(self, path: str, scope_index: int) -> bool:
        """Somebody may call it: its name says so, or something in the program mentions it."""
        scope = self._resolver.scope(path, scope_index)
        if scope.kind != "function":
            return True
        if not scope.name.startswith("_") or (scope.name.startswith("__") and scope.name.endswith("__")):
            return True
        return self.is_referenced(Run(path, scope_index))

    def sources(self, node: Node) -> tuple[Source, ...]:
        """Everything that was found to run the node, in a stable order."""
        found = self._memo.get(node)
        if found is None and node.without:
            found = self._memo[node] = self.conditions.sources_that_count(node, self.sources(replace(node, without="")))
        if found is None:
            try:
                trail = self._search(node)
            except Exception as error:  # A caller that cannot be followed is an unknown caller.
                self._resolver.project.failed(node.path, self._resolver.scope(node.path, node.scope).line, error)
                trail = Trail(Function(node.path, node.scope), node)
            order = sorted(set(_of_any_key(trail)), key=_source_key)
            found = self._memo[node] = tuple(order)
            self._referenced[node] = trail.referenced or bool(found)
        return found

    def _search(self, node: Node) -> Trail:
        if isinstance(node, Construct):
            return self._constructions(node)
        function = Function(node.path, node.scope)
        trail = Trail(function, node)
        if node.scope == 0:
            return trail
        scope = self._resolver.scope(node.path, node.scope)
        if scope.kind == "class":
            trail.sources.append(_of_class_body(node, scope))
            return trail
        self._registrations.of_definition(function, trail.sources)
        self._decorated(node.path, scope, trail)
        if scope.kind == "lambda":
            self._lambda(function, trail)
            return trail
        owner = self._resolver.defining_class(node.path, node.scope)
        if owner is not None:
            self._methods.search(function, owner, trail)
        else:
            self._named(function, scope.name, node.path if scope.parent > 0 else None, trail)
        return trail

    # ---------------------------------------------------------------------------------------------- functions
    def _named(self, function: Function, name: str, only: str | None, trail: Trail) -> None:
        """Follow every mention of the name (and of the names under which it is imported) that is the function."""
        if not trail.first(("name", name, only)):
            return
        for path in [only] if only is not None else self.mentions.files(function.path, name):
            references = self.mentions.references(path)
            facts = self._resolver.project.facts(path)
            if references is None or facts is None:
                continue
            for alias in sorted({name, *imported_as(facts, name)}):
                for reference in references.of(alias):
                    if self.mentions.is_function(path, reference, function):
                        trail.referenced = True
                        self._following.follow(path, reference.position, trail)
                if alias != name and any(each.name == alias for each in facts.scopes[0].imports):
                    self._named(function, alias, None, trail)
            for reference in references.texts(name):
                if self.mentions.is_text_of(path, reference, function):
                    trail.referenced = True
                    self._following.follow(path, reference.position, trail)

    def _lambda(self, function: Function, trail: Trail) -> None:
        references = self.mentions.references(function.path)
        position = references.function(function.scope) if references is not None else None
        if position is not None:
            self._following.follow(function.path, position, trail)

    def _decorated(self, path: str, scope: model.Scope, trail: Trail) -> None:
        """A decorator of the program receives the target as its first argument, and may register it.

        That its wrapper calls the target says nothing: the wrapper stands in the target's place, and the callers of
        the decorated name are found by that name.
        """
        trail.decorating = True
        for decorator in scope.decorators:
            if isinstance(decorator.value, model.CallRef):
                trail.keys |= texts_given(self._resolver.call(path, decorator.value.index))
            for value in self._resolver.values(path, max(scope.parent, 0), decorator.value):
                trail.keeper = value if isinstance(value, ClassValue) else None
                trail.keeper = value.cls if isinstance(value, Instance) else trail.keeper
                self._following.give(value, Argument(0, "", -1), trail)
        trail.decorating, trail.keeper = False, None

    # ---------------------------------------------------------------------------------------------- classes
    def _constructions(self, node: Construct) -> Trail:
        """What makes instances of a class."""
        cls = ClassValue(node.path, node.scope)
        trail = Trail(cls, node)
        self._registrations.of_class(cls, trail.sources)
        self._decorated(cls.path, self._resolver.scope(cls.path, cls.scope), trail)
        self._derived(cls, trail)
        for path, reference in self.mentions.of_class(cls):
            if cls in self._resolver.values(path, reference.position.scope, reference.expr):
                trail.referenced = True
                self._following.follow(path, reference.position, trail)
        for path, reference in self._loading.mentions_of(cls):
            trail.referenced = True
            self._following.follow(path, reference.position, trail)
        for index in self._resolver.scope(cls.path, cls.scope).children:
            child = self._resolver.scope(cls.path, index)
            if child.kind == "function" and child.parameters:
                self._made_by_method(cls, index, child, trail)
        return trail

    def _derived(self, cls: ClassValue, trail: Trail) -> None:
        """A base class is told of each class that derives from it (`__init_subclass__`), and may register it."""
        for base in self._resolver.classes.order(cls)[1:]:
            method = self._resolver.classes.method(base, "__init_subclass__")
            if method is not None:
                self._following.give(Function(method[0].path, method[1]), Argument(0, "", -1), trail)

    def _made_by_method(self, cls: ClassValue, index: int, method: model.Scope, trail: Trail) -> None:
        """`cls(...)` in a class method."""
        facts = self._resolver.facts(cls.path)
        first = method.parameters[0].name
        for number in method.calls:
            call = facts.calls[number]
            if not isinstance(call.func, model.Name) or call.func.id != first:
                continue
            if cls in self._resolver.values(cls.path, index, call.func):
                place = (call.line, call.column, call.end_line, call.end_column)
                position = Position(Role.CALLEE, index, call.block, number, "", call.func, *place)
                self._following.follow(cls.path, position, trail)


def _of_class_body(node: Run, scope: model.Scope) -> Source:
    span = Span(node.path, scope.line, scope.column, scope.line, scope.column + len("class"))
    text = f"the body of class {scope.name} runs when it is defined"
    return Source(span, text, Run(node.path, max(scope.parent, 0)), is_call=False)


def _of_any_key(trail: Trail) -> list[Source]:
    """The sources; a target that is registered under several keys runs whichever of them is called."""
    if len(trail.keys) < 2:
        return trail.sources
    return [
        replace(source, caller=replace(source.caller, without=""))
        if source.caller is not None and source.caller.without.startswith("=")
        else source
        for source in trail.sources
    ]


def _source_key(source: Source) -> tuple[object, ...]:
    caller = (source.caller.path, source.caller.scope) if source.caller is not None else ("", -1)
    return (source.span, source.text, caller, source.kind, source.times, source.confidence, source.unit)
