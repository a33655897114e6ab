"""Attributes that are read after the commit of an async session: expired by then, and not loadable without await."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.lifetimes.rereads import Rereads
from poollint.program.lifetimes.spread import Spread
from poollint.program.values import ExternalInstance

if TYPE_CHECKING:
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.sites import Span


class Expiry:
    """Looks into functions for instances of a session that are read after its commit."""

    def __init__(self, resolver: Resolver, mentions: Mentions, classes: frozenset[str]) -> None:
        self._resolver = resolver
        self._rereads = Rereads(resolver, mentions)
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
        if not self._resolver.scope(path, scope_index).is_async:
            return None
        found = self._rereads.first(path, scope_index, sessions)
        return spans.of(path, found[1]) if found is not None else None
