"""What the class around an engine does with it: dispose of it, drop it, or be entered as a context manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import last_name
from poollint.program.graph import Construct, Run
from poollint.program.references import Role
from poollint.program.sites import Span
from poollint.program.values import ClassValue

if TYPE_CHECKING:
    from collections.abc import Collection

    from poollint.program.callers import Callers
    from poollint.program.names import Resolver

_MAY_DROP = frozenset({"__init__", "__new__", "__getstate__", "__setstate__"})


class Owners:
    """Reads the methods of owning classes. `attributes` are those that hold the engine."""

    def __init__(self, resolver: Resolver, callers: Callers) -> None:
        self._resolver = resolver
        self._callers = callers

    def around(self, path: str, scope_index: int) -> ClassValue | None:
        """The class around a scope, however deep."""
        current = scope_index
        while current > 0:
            scope = self._resolver.scope(path, current)
            if scope.kind == "class":
                return ClassValue(path, current)
            current = scope.parent
        return None

    def overwrites(self, owner: ClassValue, own: int, attributes: Collection[str]) -> tuple[Span, ...]:
        """Where methods other than `own` set the attribute to None and do not dispose of the engine first."""
        facts = self._resolver.facts(owner.path)
        found: list[Span] = []
        for child in facts.scopes[owner.scope].children:
            scope = facts.scopes[child]
            if scope.kind != "function" or scope.name in _MAY_DROP or child == own or not scope.parameters:
                continue
            if any(last_name(facts.calls[index].func).endswith("dispose") for index in scope.calls):
                continue
            dropped = [op for op in scope.ops if _drops(op, scope.parameters[0].name, attributes)]
            if dropped and not self._is_reset_after_fork(owner.path, child):
                found.extend(Span(owner.path, op.line, op.column, op.end_line, op.end_column) for op in dropped)
        return tuple(found)

    def _is_reset_after_fork(self, path: str, scope: int) -> bool:
        """Registered to run in a forked child, where the parent's connections must not be closed."""
        sources = self._callers.sources(Run(path, scope))
        return any(source.kind == "child_init" or "fork" in source.text for source in sources)

    def disposes(self, owner: ClassValue, attributes: Collection[str]) -> bool:
        """A method of the class disposes of the engine it keeps."""
        for cls in self._resolver.classes.order(owner):
            facts = self._resolver.facts(cls.path)
            for child in facts.scopes[cls.scope].children:
                for index in facts.scopes[child].calls:
                    func = facts.calls[index].func
                    if isinstance(func, model.Attr) and func.attr == "dispose" and isinstance(func.value, model.Attr):
                        if func.value.attr in attributes or func.value.attr == "sync_engine":
                            return True
        return False

    def is_always_entered(self, owner: ClassValue) -> bool:
        """Every construction of the class is a `with` statement."""
        found = False
        for source in self._callers.sources(Construct(owner.path, owner.scope)):
            references = self._callers.mentions.references(source.span.path)
            if source.caller is None or references is None:
                return False
            for index in spans.calls_at(self._resolver.facts(source.span.path), source.span):
                position = references.call(index)
                if position is None or position.role is not Role.ENTERED:
                    return False
                found = True
        return found


def _drops(op: model.Op, receiver: str, attributes: Collection[str]) -> bool:
    """`self.engine = None`."""
    target, value = op.target, op.value
    if not isinstance(target, model.Attr) or target.attr not in attributes or not isinstance(value, model.Const):
        return False
    on_self = isinstance(target.value, model.Name) and target.value.id == receiver
    return on_self and value.value is None and not value.kind
