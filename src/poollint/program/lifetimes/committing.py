"""Whether the sessions of a factory are committed with mapped objects in them: only then something expires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import targets_in
from poollint.program.lifetimes.spread import Spread, call_on, is_whole
from poollint.program.references import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.lifetimes.spread import Use
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver

_MAPPING = (
    b"__tablename__", b"__table__", b"map_imperatively", b".mapped", b"automap_base", b" table=True", b",table=True",
)  # fmt: skip
"""One of them stands in every program that maps a class."""
_COMMITTING = frozenset({"commit", "begin"})
_LEAVING = frozenset({Role.ARGUMENT, Role.RETURNED, Role.YIELDED})


class Committing:
    """Answers for one program."""

    def __init__(self, resolver: Resolver, mentions: Mentions, sessions: frozenset[str]) -> None:
        self._resolver = resolver
        self._sessions = Spread(resolver, mentions, sessions, enters_itself=True)
        self._maps: bool | None = None

    def of_session(self, path: str, index: int) -> bool:
        """The session of this call is committed, or leaves the function for somebody who may."""
        return self._maps_classes() and self._commits(path, index)

    def of_factory(self, uses: Iterable[Use]) -> bool:
        """A session of the factory is, or the factory itself leaves."""
        return self._maps_classes() and any(self._by_use(use) for use in uses)

    def _by_use(self, use: Use) -> bool:
        called = call_on(self._resolver.facts(use.path), use)
        if called is None:
            return self._leaves(use)
        return called[1] == "begin" or (called[1] == "" and self._commits(use.path, called[0]))

    def _commits(self, path: str, index: int) -> bool:
        for use in self._sessions.uses(path, index):
            called = call_on(self._resolver.facts(use.path), use)
            if self._leaves(use) if called is None else called[1] in _COMMITTING:
                return True
        return False

    def _leaves(self, use: Use) -> bool:
        """It is passed on, given back, or kept in an attribute or a container."""
        position = use.position
        if position.role in _LEAVING or (position.role is Role.ASSIGNED and not is_whole(use)):
            return True
        if position.role is not Role.ASSIGNED:
            return False
        target = self._resolver.scope(use.path, position.scope).ops[position.index].target
        return target is not None and any(not isinstance(each, model.Name) for each in targets_in(target))

    def _maps_classes(self) -> bool:
        """The program has a class of its own that is mapped to a table."""
        if self._maps is None:
            self._maps = self._resolver.project.holds(_MAPPING)
        return self._maps
