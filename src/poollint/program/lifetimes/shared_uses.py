"""Who uses a session or connection that lives in a module or class variable or a default argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import is_call
from poollint.program.lifetimes import sharing
from poollint.program.lifetimes.session_uses import CONNECTION, CONNECTIONS, SESSION, SESSIONS, Doing, SessionUses
from poollint.program.lifetimes.spread import Spread, call_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poollint.program.frequency import Frequencies
    from poollint.program.lifetimes.making import Making
    from poollint.program.lifetimes.registry_sites import RegistryUse
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.places import Places


class SharedUses:
    """Follows shared handles to the functions that call their methods."""

    def __init__(self, resolver: Resolver, mentions: Mentions, frequencies: Frequencies, places: Places) -> None:
        self._resolver = resolver
        self._spread = {
            "session": Spread(resolver, mentions, SESSIONS, enters_itself=True),
            "connection": Spread(resolver, mentions, CONNECTIONS, enters_itself=True),
        }
        self._uses = {
            "session": SessionUses(resolver, frequencies, places, SESSION),
            "connection": SessionUses(resolver, frequencies, places, CONNECTION),
        }

    def is_shared(self, making: Making) -> bool:
        """One object serves everybody who comes by."""
        if making.handle.kind not in self._spread or making.shared:
            return False
        facts = self._resolver.facts(making.path)
        call = facts.calls[making.call]
        return call.outer < 0 and (call.scope == 0 or bool(sharing.shared(facts, making.call)))

    def doing(self, making: Making) -> dict[tuple[str, int], Doing]:
        """What each function does with it, by file and scope."""
        kind = making.handle.kind
        found: dict[tuple[str, int], Doing] = {}
        for use in self._spread[kind].uses(making.path, making.call):
            called = call_on(self._resolver.facts(use.path), use)
            if called is not None and called[1] and use.position.scope:
                self._uses[kind].add(found.setdefault((use.path, use.position.scope), Doing()), *called)
        for scope, index, method in self._on_default(making):
            self._uses[kind].add(found.setdefault((making.path, scope), Doing()), index, method)
        return found

    def _on_default(self, making: Making) -> list[tuple[int, int, str]]:
        """The calls on the parameter whose default it is: scope, call and method."""
        facts = self._resolver.facts(making.path)
        found = []
        for number, scope in enumerate(facts.scopes if facts.calls[making.call].op < 0 else ()):
            names = {each.name for each in scope.parameters if is_call(each.default, making.call)}
            for index in scope.calls if names else ():
                func = facts.calls[index].func
                if isinstance(func, model.Attr) and isinstance(func.value, model.Name) and func.value.id in names:
                    found.append((number, index, func.attr))
        return found

    def all_uses(self, making: Making, doing: Mapping[tuple[str, int], Doing]) -> tuple[RegistryUse, ...]:
        """The functions as records, once their frequencies are known."""
        uses = self._uses[making.handle.kind]
        found = (uses.use(*place, each) for place, each in sorted(doing.items()))
        return tuple(use for use in found if use is not None)
