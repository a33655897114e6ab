"""Session classes of the program: which of their methods commit before the session is closed.

`class AutoCommit(Session)` with an `__exit__` that calls `self.commit()`: `with AutoCommit(engine) as session` saves
what is written in the block, also where a `sessionmaker(class_=AutoCommit)` makes the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.program.values import ClassValue, ExternalInstance

if TYPE_CHECKING:
    from poollint.library.model import Handle
    from poollint.program.names import Resolver
    from poollint.program.values import Value

_EXITS = ("__exit__", "__aexit__")
_FARTHEST = 3
"""Methods of the class that an exit method is followed through."""


class SessionClasses:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[ClassValue, str], Handle] = {}

    def handle(self, maker: Value, handle: Handle) -> Handle:
        """The handle with what the class adds that `maker` is, or makes; itself for a library's own class."""
        cls = maker.makes if isinstance(maker, ExternalInstance) else maker
        if not isinstance(cls, ClassValue):
            return handle
        key = (cls, handle.fqn)
        if key not in self._known:
            found = [each for each in handle.closes if self._commits(cls, each, handle, _FARTHEST)]
            if "close" in found or any(self._commits(cls, each, handle, _FARTHEST) for each in _EXITS):
                found.extend(_EXITS)  # The library's own exit method calls close().
            self._known[key] = replace(handle, commits_first=tuple(found)) if found else handle
        return self._known[key]

    def _commits(self, cls: ClassValue, name: str, handle: Handle, depth: int) -> bool:
        """A method of the class that calls `self.commit()`, itself or in another method of the class."""
        found = self._resolver.classes.method(cls, name)
        if found is None or depth == 0:
            return False
        home, number = found
        facts = self._resolver.facts(home.path)
        scope = facts.scopes[number]
        receiver = scope.parameters[0].name if scope.parameters else ""
        for index in scope.calls:
            func = facts.calls[index].func
            if not isinstance(func, model.Attr) or not _is_self(facts, func.value, receiver):
                continue
            if func.attr in handle.commits:
                return True
            is_own = isinstance(func.value, model.Name) and func.attr != name
            if is_own and self._commits(cls, func.attr, handle, depth - 1):
                return True
        return False


def _is_self(facts: model.ModuleFacts, expr: model.Expr, receiver: str) -> bool:
    """`self` or `super()`."""
    if isinstance(expr, model.CallRef):
        func = facts.calls[expr.index].func
        return isinstance(func, model.Name) and func.id == "super"
    return isinstance(expr, model.Name) and expr.id == receiver
