"""What one function does with handles that are not its own: those of a registry, or of a module variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import spelled
from poollint.program.graph import Run
from poollint.program.lifetimes.registry_sites import RegistryUse

if TYPE_CHECKING:
    from poollint.program.frequency import Frequencies
    from poollint.program.names import Resolver
    from poollint.program.places import Places

SESSION = "sqlalchemy.orm.Session"
CONNECTION = "sqlalchemy.engine.Connection"
CONNECTIONS = frozenset({CONNECTION, "sqlalchemy.ext.asyncio.AsyncConnection"})
SESSIONS = frozenset(
    {
        SESSION,
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlmodel.Session",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)


class Doing(Struct):
    """What one function does with the handles: calls, by what they are."""

    takes: list[int] = []
    ends: list[int] = []
    closes: list[int] = []
    others: list[int] = []


class SessionUses:
    """Sorts calls by what they do to a session (or to a `kind` of its own), and describes the functions around them."""

    def __init__(self, resolver: Resolver, frequencies: Frequencies, places: Places, kind: str = SESSION) -> None:
        self._resolver = resolver
        self._frequencies = frequencies
        self._places = places
        handle = resolver.library.handle(kind)
        assert handle is not None
        self._takes = frozenset({*handle.executes, *handle.takes, *handle.lazy, *handle.writes})
        self._ends = frozenset({*handle.commits, *handle.rolls_back})
        self.closes = frozenset(handle.closes)

    def add(self, doing: Doing, call: int, method: str) -> None:
        """Note a call of a method; -1 for a call that is not one (a `with` block, an attribute)."""
        if method in self.closes:
            doing.closes.append(call)
        elif method in self._ends:
            doing.ends.append(call)
        elif method in self._takes:
            doing.takes.append(call)

    def use(self, path: str, scope_index: int, doing: Doing) -> RegistryUse | None:
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        calls = [index for index in (*doing.takes, *doing.ends, *doing.closes) if index >= 0]
        if not calls and not doing.takes:
            return None
        first = min(calls, key=lambda index: (facts.calls[index].line, facts.calls[index].column), default=-1)
        place = spans.of(path, facts.calls[first]) if first >= 0 else spans.of_definition(path, scope)
        return RegistryUse(
            span=place,
            spelled=spelled(facts.calls[first].func, facts) if first >= 0 else scope.name,
            symbol=scope.qualname,
            frequency=self._frequencies.of(Run(path, scope_index)),
            takes=bool(doing.takes),
            ends=_ends(facts, scope, doing),
            closes=bool(doing.closes),
            coroutine=scope.is_async,
            waits=_waits(facts, scope, calls),
            in_test=self._places.is_test(path),
        )


def _ends(facts: model.ModuleFacts, scope: model.Scope, doing: Doing) -> bool:
    """No way out lies between the first statement and the last commit, rollback or close."""
    ended = [facts.calls[index].line for index in (*doing.ends, *doing.closes) if index >= 0]
    taken = [facts.calls[index].line for index in doing.takes if index >= 0]
    if doing.closes and -1 in doing.closes:
        return True
    if not ended or (taken and max(taken) > max(ended)):
        return not taken
    first = min(taken, default=max(ended))
    before = min((line for line in ended if line >= first), default=max(ended))
    return not any(op.kind == "return" and first < op.line < before for op in scope.ops)


def _waits(facts: model.ModuleFacts, scope: model.Scope, calls: list[int]) -> bool:
    """Other tasks can run between the first and the last of the calls."""
    lines = [facts.calls[index].line for index in calls]
    between = range(min(lines, default=0), max(lines, default=0) + 1)
    if any(facts.calls[index].awaited and facts.calls[index].line in between for index in scope.calls):
        return True
    if any(block.is_async and block.line in between for block in scope.blocks):
        return True
    return any(isinstance(op.value, model.Await) and op.line in between for op in scope.ops)
