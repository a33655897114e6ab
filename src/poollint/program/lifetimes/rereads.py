"""Attributes of a session's objects that are read behind its commit: expired by then, the read runs a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, attributes_in, targets_in, without_await
from poollint.program.loops import is_inside
from poollint.program.references import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.references import Position

_ADDING = frozenset({"add", "merge"})
_GIVING = frozenset(
    {"get", "get_one", "scalar", "merge", "scalar_one", "scalar_one_or_none", "one", "one_or_none", "first"}
)


class Rereads:
    """Looks through one function at a time."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._mentions = mentions

    def first(self, path: str, scope_index: int, sessions: set[str]) -> tuple[model.Call, Position] | None:
        """A commit of one of these variables, and where an attribute of an object is read behind it.

        What is loaded again by `refresh(instance)` in between is no such read, nor is that of another object.
        """
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        methods = list(methods_on(facts, scope, sessions))
        commits = [call for call, method in methods if method == "commit"]
        if not commits:
            return None
        for name in sorted(_instances(facts, scope, sessions, methods)):
            refreshed = {line for each, line in _refreshed(methods) if each == name}
            renewed = refreshed | {op.line for op in assignments(scope, name)}
            for position in self._reads(path, scope_index, name):
                for commit in commits:
                    behind = position.line > commit.line and is_inside(scope, position.block, commit.block)
                    if behind and renewed.isdisjoint(range(commit.line, position.line + 1)):
                        return commit, position
        return None

    def _reads(self, path: str, scope_index: int, name: str) -> Iterator[Position]:
        """Where an attribute of the variable is read, and not called."""
        calls = self._resolver.facts(path).calls
        for reference in self._mentions.of(path, name):
            position = reference.position
            if position.scope != scope_index or position.role is not Role.READ:
                continue
            owners = (each.value for each in attributes_in(position.whole))
            if any(isinstance(owner, model.Name) and owner.id == name for owner in owners):
                if not any(call.func is position.whole for call in calls):
                    yield position


def methods_on(facts: model.ModuleFacts, scope: model.Scope, sessions: set[str]) -> Iterator[tuple[model.Call, str]]:
    """The calls of methods on these variables, with the method's name."""
    for index in scope.calls:
        func = facts.calls[index].func
        if isinstance(func, model.Attr) and isinstance(func.value, model.Name) and func.value.id in sessions:
            yield facts.calls[index], func.attr


def _refreshed(methods: list[tuple[model.Call, str]]) -> Iterator[tuple[str, int]]:
    for call, method in methods:
        for argument in call.args if method == "refresh" else ():
            if isinstance(argument, model.Name):
                yield argument.id, call.line


def _instances(
    facts: model.ModuleFacts, scope: model.Scope, sessions: set[str], methods: list[tuple[model.Call, str]]
) -> set[str]:
    """Variables that hold an object of the session."""
    found = {
        argument.id
        for call, method in methods
        if method in _ADDING
        for argument in call.args
        if isinstance(argument, model.Name)
    }
    for op in scope.ops:
        if op.kind == "bind" and op.target is not None and op.value is not None and _gives(facts, op.value, sessions):
            found |= {target.id for target in targets_in(op.target) if isinstance(target, model.Name)}
    return found


def _gives(facts: model.ModuleFacts, value: model.Expr, sessions: set[str]) -> bool:
    """`await session.get(...)`, `(await session.execute(...)).scalar_one()`."""
    bare = without_await(value)
    if not isinstance(bare, model.CallRef):
        return False
    func = facts.calls[bare.index].func
    if not isinstance(func, model.Attr) or func.attr not in _GIVING:
        return False
    root = without_await(func.value)
    while isinstance(root, (model.CallRef, model.Attr, model.Await)):
        root = facts.calls[root.index].func if isinstance(root, model.CallRef) else root.value
    return isinstance(root, model.Name) and root.id in sessions
