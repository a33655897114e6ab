"""What holds an engine in one scope: which variables, attributes, containers and calls stand for it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import attributes_in, evaluated, values_given

if TYPE_CHECKING:
    from poollint.program.flow import Flow
    from poollint.program.names import Resolver
    from poollint.program.sites import Span

SAME_POOL = frozenset({"execution_options", "sync_engine", "engine"})
"""Attributes and methods of an engine that give an engine on the same pool."""


class Disposal(Struct, frozen=True):
    """A call that disposes of the engine, or sees to it. `block` is the block that it stands in.

    `certain`: it stands in a `finally`. `of_container`: it disposes of all that a container holds.
    """

    span: Span
    block: int
    certain: bool
    of_container: bool = False


class Held(Enum):
    """What an expression holds: the engine itself, a session or connection on it, or a container with one of them."""

    ENGINE = 0
    INSIDE = 1
    ITEMS = 2


class Holdings:
    """What is known so far of one engine in one scope; grows until nothing new is found.

    `engines` and `inside` are the calls that give the engine itself, and a session, factory or connection on it.
    """

    def __init__(self, resolver: Resolver, path: str, scope_index: int, flow: Flow) -> None:
        self.resolver = resolver
        self.path = path
        self.scope_index = scope_index
        self.facts = resolver.facts(path)
        self.scope = self.facts.scopes[scope_index]
        self.flow = flow
        self.engines: set[int] = set()
        self.inside: set[int] = set()
        self.inside_names: set[str] = set()

    def size(self) -> int:
        """How much is known; it never shrinks."""
        known = (self.flow.names, self.flow.containers, self.engines, self.inside, self.inside_names)
        return sum(len(each) for each in known)

    def of(self, expr: model.Expr | None) -> Held | None:
        """What the expression holds."""
        if isinstance(expr, model.Name):
            return self._of_name(expr.id)
        if isinstance(expr, model.CallRef):
            return Held.ENGINE if expr.index in self.engines else Held.INSIDE if expr.index in self.inside else None
        if isinstance(expr, model.Attr):
            if self.is_self(expr.value) and expr.attr in self.flow.attributes:
                return Held.ENGINE
            return Held.ENGINE if expr.attr in SAME_POOL and self.is_engine(expr.value) else None
        if isinstance(expr, (model.Await, model.Walrus, model.Star)):
            return self.of(expr.value)
        if isinstance(expr, model.Conditional):
            return self.of(expr.body) or self.of(expr.orelse)
        if isinstance(expr, model.Bool):
            return next((found for item in expr.items if (found := self.of(item))), None)
        if isinstance(expr, model.Items):
            return self._of_display(expr.items)
        if isinstance(expr, model.Mapping):
            return self._of_display(expr.values)
        if isinstance(expr, model.Comprehension):
            return Held.ITEMS if any(self.of(item) for item in expr.elements) else None
        return None

    def _of_name(self, name: str) -> Held | None:
        if name in self.flow.names:
            return Held.ENGINE
        if name in self.flow.containers:
            return Held.ITEMS
        return Held.INSIDE if name in self.inside_names else None

    def _of_display(self, items: list[model.Expr]) -> Held | None:
        kinds = {self.of(item) for item in items}
        if Held.ENGINE in kinds or Held.ITEMS in kinds:
            return Held.ITEMS
        return Held.INSIDE if Held.INSIDE in kinds else None

    def is_engine(self, expr: model.Expr | None) -> bool:
        """The expression is the engine itself."""
        return self.of(expr) is Held.ENGINE

    def is_passed_to(self, call: model.Call) -> bool:
        """An argument of the call holds something."""
        return any(self.of(argument) for argument in values_given(call))

    # ---------------------------------------------------------------------------------------------- self
    def is_method(self) -> bool:
        """The scope is defined in a class body."""
        return self.resolver.defining_class(self.path, self.scope_index) is not None

    def is_self(self, expr: model.Expr) -> bool:
        """The expression is the first parameter."""
        parameters = self.scope.parameters
        return isinstance(expr, model.Name) and bool(parameters) and expr.id == parameters[0].name

    def reads_from_self(self, name: str) -> bool:
        """The scope is a method that reads attributes of this name, and only those of its first parameter."""
        read = [attr for expr in evaluated(self.facts, self.scope) for attr in attributes_in(expr) if attr.attr == name]
        return self.is_method() and bool(read) and all(self.is_self(attr.value) for attr in read)
