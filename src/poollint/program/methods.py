"""What runs a method: lookups of its name, frameworks that call it, and uses of an instance that stand for a call."""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.classes import CONSTRUCTORS
from poollint.program.graph import Construct, Source
from poollint.program.references import Role
from poollint.program.registrations import Registration
from poollint.program.values import ClassValue, Instance, Super

if TYPE_CHECKING:
    from collections.abc import Callable

    from poollint.program.following import Following
    from poollint.program.graph import Node
    from poollint.program.instances import Instances
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.references import Reference
    from poollint.program.registrations import Registrations
    from poollint.program.sites import Span
    from poollint.program.trail import Trail
    from poollint.program.values import Function

_SPECIAL_ROLES = {
    "__call__": Role.CALLEE,
    "__enter__": Role.ENTERED,
    "__aenter__": Role.ENTERED,
    "__iter__": Role.ITERATED,
}


class _Dispatch(Enum):
    """How a method call reaches a method: not at all, by lookup, or because it overrides what the lookup finds."""

    NONE = 0
    DIRECT = 1
    OVERRIDE = 2


class Methods:
    """Searches the runners of methods."""

    def __init__(
        self,
        resolver: Resolver,
        registrations: Registrations,
        mentions: Mentions,
        instances: Instances,
        following: Following,
        sources: Callable[[Node], tuple[Source, ...]],
    ) -> None:
        self._resolver = resolver
        self._registrations = registrations
        self._mentions = mentions
        self._instances = instances
        self._following = following
        self._sources = sources

    def search(self, function: Function, owner: ClassValue, trail: Trail) -> None:
        """Add what runs a method that is defined in the class `owner`."""
        name = self._resolver.scope(function.path, function.scope).name
        self._registrations.of_method(function, owner, self._instances.subclasses(owner), trail.sources)
        if name in CONSTRUCTORS:
            self._constructor(function, owner, trail)
        elif name.startswith("__") and name.endswith("__"):
            self._special(function, owner, name, trail)
        else:
            self._as_resource(function, owner, trail)
            self._looked_up(function, owner, name, trail)
            if not trail.sources and self._resolver.project.reading(name):
                self._on_unnamed(function, owner, name, trail)

    # ---------------------------------------------------------------------------------------------- by name
    def _looked_up(self, function: Function, owner: ClassValue, name: str, trail: Trail) -> None:
        files = self._instances.files(owner)
        for path in self._resolver.project.mentioning(name):
            if path not in files:
                continue
            for reference in self._mentions.of(path, name):
                if isinstance(reference.expr, model.Attr):
                    self._attribute(path, reference, function, owner, trail)
                elif path == function.path and self._mentions.is_function(path, reference, function):
                    self._following.follow(path, reference.position, trail)

    def _attribute(self, path: str, reference: Reference, function: Function, owner: ClassValue, trail: Trail) -> None:
        dispatch = self._dispatches(path, reference, function, owner)
        if dispatch is _Dispatch.NONE:
            return
        trail.referenced = True
        trail.virtual = dispatch is _Dispatch.OVERRIDE
        if self._resolver.is_property(function):
            self._following.read(path, reference.position, trail)
        else:
            self._following.follow(path, reference.position, trail)
        trail.virtual = False

    def _dispatches(self, path: str, reference: Reference, function: Function, owner: ClassValue) -> _Dispatch:
        """`receiver.name` may run the method: by lookup, or because the method overrides what the lookup finds."""
        assert isinstance(reference.expr, model.Attr)
        classes = self._resolver.classes
        name = reference.expr.attr
        found = _Dispatch.NONE
        for value in self._resolver.values(path, reference.position.scope, reference.expr.value):
            if isinstance(value, (Instance, ClassValue)):
                cls = value if isinstance(value, ClassValue) else value.cls
                if classes.method(cls, name) == (owner, function.scope):
                    return _Dispatch.DIRECT
                if isinstance(value, Instance) and cls != owner and classes.derives(owner, cls):
                    found = _Dispatch.OVERRIDE
            elif isinstance(value, Super):
                for base in classes.order(ClassValue(value.path, value.scope))[1:]:
                    if classes.method(base, name) == (owner, function.scope):
                        return _Dispatch.DIRECT
        return found

    def _on_unnamed(self, function: Function, owner: ClassValue, name: str, trail: Trail) -> None:
        """`PLUGINS[name]().rows()`: the place that makes the object does not name its class."""
        for cls in (owner, *self._instances.subclasses(owner)):
            if self._resolver.classes.method(cls, name) != (owner, function.scope):
                continue
            for source in self._sources(Construct(cls.path, cls.scope)):
                if source.is_call and source.caller is not None:
                    self._on_result(source.span, cls, name, trail)

    def _on_result(self, span: Span, cls: ClassValue, name: str, trail: Trail) -> None:
        """Follow the lookups of a method on what a call gives whose callee is not known to be the class."""
        facts = self._resolver.facts(span.path)
        for index in spans.calls_at(facts, span):
            if cls in self._resolver.callee(span.path, index):
                continue
            func = facts.calls[index].func
            trail.item = func.id if isinstance(func, model.Name) else ""
            held = self._variable_of(span.path, index)
            for reference in self._mentions.of(span.path, name):
                position = reference.position
                receiver = reference.expr.value if isinstance(reference.expr, model.Attr) else None
                if isinstance(receiver, model.CallRef):
                    found = receiver.index == index
                else:
                    found = isinstance(receiver, model.Name) and (position.scope, receiver.id) == held
                if found:
                    trail.referenced = True
                    self._following.follow(span.path, position, trail)
            trail.item = ""

    def _variable_of(self, path: str, index: int) -> tuple[int, str] | None:
        """The scope and name of the variable that the result of a call is assigned to."""
        references = self._mentions.references(path)
        position = references.call(index) if references is not None else None
        if position is None or position.role not in (Role.ASSIGNED, Role.ENTERED) or position.index < 0:
            return None
        target = self._resolver.scope(path, position.scope).ops[position.index].target
        return (position.scope, target.id) if isinstance(target, model.Name) else None

    # ---------------------------------------------------------------------------------------------- by instance
    def _special(self, function: Function, owner: ClassValue, name: str, trail: Trail) -> None:
        """`__call__`, `__enter__` and the like run where an instance is used in that way."""
        role = _SPECIAL_ROLES.get(name)
        if role is None:
            return
        for path, position in self._instances.positions(function, owner):
            if position.role is role:
                trail.referenced = True
                # A loop over callable objects calls each of them once, as one over functions does.
                item = position.whole.id if isinstance(position.whole, model.Name) else ""
                self._following.run(path, position, trail, item if role is Role.CALLEE else "")
            elif role is Role.CALLEE and position.role in (Role.ARGUMENT, Role.DECORATOR):
                trail.referenced = True
                self._following.follow(path, position, trail)

    def _as_resource(self, function: Function, owner: ClassValue, trail: Trail) -> None:
        """Frameworks that are handed an instance call its methods by name (`app.add_route("/x", Resource())`)."""
        name = self._resolver.scope(function.path, function.scope).name
        if not any(fnmatchcase(name, pattern) for pattern in self._resolver.library.instance_methods):
            return
        for path, position in self._instances.positions(function, owner):
            if position.role is Role.ARGUMENT:
                call = self._resolver.call(path, position.index)
                callees = self._resolver.values(path, position.scope, call.func)
                registration = Registration(path, position, call, spans.of(path, position))
                self._registrations.of_instance(registration, callees, name, trail.sources)

    # ---------------------------------------------------------------------------------------------- constructors
    def _constructor(self, function: Function, owner: ClassValue, trail: Trail) -> None:
        """__init__ runs whenever an instance of the class, or of a subclass that does not replace it, is made."""
        name = self._resolver.scope(function.path, function.scope).name
        for cls in (owner, *self._instances.subclasses(owner)):
            if cls != owner and not self._inherits(cls, owner, function, name):
                continue
            scope = self._resolver.scope(cls.path, cls.scope)
            span = spans.of_definition(cls.path, scope)
            text = f"{scope.name}() runs {self._resolver.scope(owner.path, owner.scope).name}.{name}()"
            trail.sources.append(Source(span, text, Construct(cls.path, cls.scope), is_call=False))

    def _inherits(self, cls: ClassValue, owner: ClassValue, function: Function, name: str) -> bool:
        """The subclass runs the inherited method, itself or through super()."""
        found = self._resolver.classes.method(cls, name)
        if found == (owner, function.scope):
            return True
        if found is None:
            return False
        facts = self._resolver.facts(found[0].path)
        callees = (facts.calls[index].func for index in facts.scopes[found[1]].calls)
        return any(isinstance(func, model.Attr) and func.attr == name for func in callees)
