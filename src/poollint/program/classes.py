"""Classes of the program: their bases, the order of lookup, and attributes found along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import annotations as hints
from poollint.program.values import (
    NOTHING,
    BoundMethod,
    ClassValue,
    External,
    ExternalInstance,
    Function,
    Instance,
    Super,
    Value,
    Values,
)

if TYPE_CHECKING:
    from poollint.program.bindings import Member
    from poollint.program.names import Resolver

CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "model_post_init", "__attrs_post_init__"})
"""Methods that run when an instance is made."""


class Classes:
    """Inheritance as far as the program's own source shows it."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._order: dict[ClassValue, tuple[ClassValue, ...]] = {}
        self._external: dict[ClassValue, tuple[str, ...]] = {}
        self._computing: set[ClassValue] = set()

    def bases(self, cls: ClassValue) -> Values:
        """The direct bases: classes of the program and library classes."""
        facts = self._resolver.scope(cls.path, cls.scope)
        found: list[Value] = []
        for base in facts.bases:
            for value in self._resolver.values(cls.path, max(facts.parent, 0), base):
                if isinstance(value, ExternalInstance):
                    value = External(value.fqn)
                if isinstance(value, (ClassValue, External)) and value != cls:
                    found.append(value)
        return tuple(dict.fromkeys(found))

    def order(self, cls: ClassValue) -> tuple[ClassValue, ...]:
        """The class and its bases in the program, nearest first (depth first, which is close enough to the MRO)."""
        known = self._order.get(cls)
        if known is not None:
            return known
        if cls in self._computing:
            return (cls,)
        self._computing.add(cls)
        found = [cls]
        for base in self.bases(cls):
            if isinstance(base, ClassValue):
                found.extend(self.order(base))
        self._computing.discard(cls)
        result = tuple(dict.fromkeys(found))
        if not self._computing:
            self._order[cls] = result
        return result

    def external_bases(self, cls: ClassValue) -> tuple[str, ...]:
        """The library classes it derives from, with their own bases as the library's rows name them."""
        known = self._external.get(cls)
        if known is None:
            found: list[str] = []
            for each in self.order(cls):
                for base in self.bases(each):
                    if isinstance(base, External):
                        found.append(base.fqn)
                        found.extend(self._resolver.library.bases(base.fqn))
            known = tuple(dict.fromkeys(found))
            if not self._computing:
                self._external[cls] = known
        return known

    def derives(self, cls: ClassValue, base: ClassValue) -> bool:
        """`cls` is `base` or derives from it."""
        return base in self.order(cls)

    def find(self, cls: ClassValue, attr: str) -> tuple[ClassValue, list[Member]] | None:
        """The class that provides the attribute for instances of `cls`, and how."""
        for each in self.order(cls):
            index = self._resolver.index(each.path)
            members = index.members(each.scope).get(attr) if index is not None else None
            if members:
                return each, members
        return None

    def method(self, cls: ClassValue, name: str) -> tuple[ClassValue, int] | None:
        """The class and scope of the method that instances of `cls` run under this name."""
        found = self.find(cls, name)
        if found is None:
            return None
        for member in found[1]:
            if member.kind == "definition":
                return found[0], member.definition
        return None

    def attribute(self, value: Instance | ClassValue | Super, attr: str) -> Values:
        """The values of an attribute of an instance, a class or `super()`."""
        cls = value if isinstance(value, ClassValue) else ClassValue(value.path, value.scope)
        if attr == "__class__" and isinstance(value, Instance):
            return (cls,)
        order = self.order(cls)
        receiver: Value = value
        if isinstance(value, Super):
            order = order[1:]
            receiver = Instance(value.path, value.scope, False)
        found: list[Value] = []
        for each in order:
            index = self._resolver.index(each.path)
            members = index.members(each.scope).get(attr) if index is not None else None
            if members:
                for member in members:
                    found.extend(self._member(each, member, receiver))
                if any(member.kind == "definition" for member in members) or found:
                    return tuple(dict.fromkeys(found))
        for base in self.external_bases(cls):
            method = self._resolver.library.canonical(f"{base}.{attr}")
            if self._resolver.library.knows(method):
                return (External(method),)
        externals = [base for base in self.bases(cls) if isinstance(base, External)]
        if externals and not found:
            return (External(self._resolver.library.canonical(f"{externals[0].fqn}.{attr}")),)
        return tuple(found) or NOTHING

    def _member(self, cls: ClassValue, member: Member, receiver: Value) -> Values:
        """The values of one member of a class, looked up on `receiver`."""
        if member.kind == "definition":
            return self._definition_member(cls, member, receiver)
        if member.kind == "value":
            values = self._resolver.values(cls.path, member.scope, member.value)
        elif member.kind == "entered":
            values = self._resolver.calls.entered(self._resolver.values(cls.path, member.scope, member.value))
        elif member.kind == "item":
            values = self._resolver.item(cls.path, member.scope, member.value, member.position)
        elif member.kind == "element":
            values = self._resolver.calls.element(self._resolver.values(cls.path, member.scope, member.value))
        elif member.kind == "annotation" and member.value is not None:
            values = hints.instances(self._resolver, cls.path, member.scope, member.value)
        else:
            values = NOTHING
        return values

    def _definition_member(self, cls: ClassValue, member: Member, receiver: Value) -> Values:
        facts = self._resolver.scope(cls.path, member.definition)
        if facts.kind == "class":
            return (ClassValue(cls.path, member.definition),)
        found: list[Value] = []
        for value in self._resolver.definition(cls.path, member.definition):
            if not isinstance(value, Function):
                continue
            if value.scope != member.definition or value.path != cls.path:
                found.append(value)
                continue
            names = self._resolver.decorator_names(cls.path, member.definition)
            if "builtins.staticmethod" in names:
                found.append(value)
            elif self._resolver.is_property(value):
                found.extend(self._resolver.calls.returned(value) if not isinstance(receiver, ClassValue) else ())
            elif isinstance(receiver, ClassValue) and "builtins.classmethod" not in names and facts.name != "__new__":
                found.append(value)
            else:
                found.append(BoundMethod(value, cls))
        return tuple(found)
