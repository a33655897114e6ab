"""Attributes that are read after the commit of an async session: expired by then, and not loadable without await."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import assignments, attributes_in, targets_in, without_await
from poollint.program.lifetimes.spread import Spread
from poollint.program.loops import is_inside
from poollint.program.references import Role
from poollint.program.values import ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.sites import Span

_ADDING = frozenset({"add", "merge"})
_GIVING = frozenset(
    {"get", "get_one", "scalar", "merge", "scalar_one", "scalar_one_or_none", "one", "one_or_none", "first"}
)


class Expiry:
    """Looks into functions for instances of a session that are read after its commit."""

    def __init__(self, resolver: Resolver, mentions: Mentions, classes: frozenset[str]) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._classes = classes
        self._sessions = Spread(resolver, mentions, classes, enters_itself=True)

    def of_session(self, path: str, index: int) -> Span | None:
        """The first such read in a function that holds the session of this call under a name."""
        held: dict[tuple[str, int], set[str]] = {}
        for use in self._sessions.uses(path, index):
            if isinstance(use.expr, model.Name):
                held.setdefault((use.path, use.position.scope), set()).add(use.expr.id)
        for (other, scope), names in sorted(held.items()):
            found = self._in_function(other, scope, names)
            if found is not None:
                return found
        return None

    def of_parameters(self) -> Span | None:
        """The first such read on a session that a function is passed."""
        for path in self._resolver.project.containing((b"AsyncSession",)):
            facts = self._resolver.project.facts(path)
            for number, scope in enumerate(facts.scopes if facts is not None else ()):
                names = {each.name for each in scope.parameters if self._is_session(path, number, each.name)}
                found = self._in_function(path, number, names) if names and scope.is_async else None
                if found is not None:
                    return found
        return None

    def _is_session(self, path: str, scope: int, name: str) -> bool:
        values = self._resolver.lookup(path, scope, name)
        return any(isinstance(value, ExternalInstance) and value.fqn in self._classes for value in values)

    def _in_function(self, path: str, scope_index: int, sessions: set[str]) -> Span | None:
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        methods = list(_methods(facts, scope, sessions))
        commits = [call for call, method in methods if method == "commit"]
        if not commits or not scope.is_async:
            return None
        refreshed = {
            (argument.id, call.line)
            for call, method in methods
            if method == "refresh"
            for argument in call.args
            if isinstance(argument, model.Name)
        }
        for name in sorted(_instances(facts, scope, sessions, methods)):
            for reference in self._mentions.of(path, name):
                position = reference.position
                if position.scope != scope_index or position.role is not Role.READ:
                    continue
                if not any(
                    isinstance(each.value, model.Name) and each.value.id == name
                    for each in attributes_in(position.whole)
                ):
                    continue
                if any(call.func is position.whole for call in facts.calls):
                    continue
                for commit in commits:
                    between = range(commit.line, position.line + 1)
                    if position.line <= commit.line or not is_inside(scope, position.block, commit.block):
                        continue
                    loaded = any(each == name and line in between for each, line in refreshed)
                    if not loaded and not any(op.line in between for op in assignments(scope, name)):
                        return spans.of(path, position)
        return None


def _methods(facts: model.ModuleFacts, scope: model.Scope, sessions: set[str]) -> Iterator[tuple[model.Call, str]]:
    for index in scope.calls:
        func = facts.calls[index].func
        if isinstance(func, model.Attr) and isinstance(func.value, model.Name) and func.value.id in sessions:
            yield facts.calls[index], func.attr


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
