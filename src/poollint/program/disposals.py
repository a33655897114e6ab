"""Calls of dispose() on an engine that others share (POL117)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import dotted
from poollint.program.graph import Node, Run
from poollint.program.loops import ancestors
from poollint.program.sites import DisposeSite
from poollint.program.values import ExternalInstance, ModuleValue

if TYPE_CHECKING:
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.lifetimes.disposing import Disposing
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_ENGINES = frozenset({"sqlalchemy.engine.Engine", "sqlalchemy.ext.asyncio.AsyncEngine"})
_SHUTDOWN = frozenset({"cleanup", "child_init", "import_time"})


class Disposals:
    """Finds the calls and what is known of the function around each."""

    def __init__(
        self, resolver: Resolver, callers: Callers, frequencies: Frequencies, places: Places, disposing: Disposing
    ) -> None:
        self._resolver = resolver
        self._disposing = disposing
        self._callers = callers
        self._frequencies = frequencies
        self._places = places

    def calls(self, paths: list[str]) -> list[tuple[str, int]]:
        """Calls of dispose() inside functions, on a module-level engine, in these files."""
        found = []
        for path in paths:
            facts = self._resolver.project.facts(path)
            if facts is None or b"dispose" not in self._resolver.project.data(path):
                continue
            for index, call in enumerate(facts.calls):
                if isinstance(call.func, model.Attr) and call.func.attr == "dispose" and call.scope != 0:
                    if self._is_shared_engine(path, call.scope, call.func.value):
                        found.append((path, index))
        return found

    def _is_shared_engine(self, path: str, scope_index: int, receiver: model.Expr) -> bool:
        """The receiver is a variable of a module, not a local, parameter or attribute, and holds an engine."""
        name = receiver
        while isinstance(name, model.Attr):
            if name.attr != "sync_engine":
                return self._is_module_attribute(path, scope_index, name)
            name = name.value
        if not isinstance(name, model.Name):
            return False
        facts = self._resolver.facts(path)
        index = self._resolver.bindings(path)
        current = scope_index
        while current > 0:
            bound = index.names(current).get(name.id, ())
            if any(binding.kind != "import" for binding in bound):
                return False
            current = facts.scopes[current].parent
        return self._is_engine(path, scope_index, receiver)

    def _is_module_attribute(self, path: str, scope: int, expr: model.Attr) -> bool:
        values = self._resolver.values(path, scope, expr.value)
        return any(isinstance(value, ModuleValue) for value in values) and self._is_engine(path, scope, expr)

    def _is_engine(self, path: str, scope: int, expr: model.Expr) -> bool:
        values = self._resolver.values(path, scope, expr)
        return any(isinstance(value, ExternalInstance) and value.fqn in _ENGINES for value in values)

    def nodes(self, path: str, index: int) -> list[Node]:
        """The node whose frequency the site needs."""
        return [Run(path, self._resolver.call(path, index).scope)]

    def site(self, path: str, index: int) -> DisposeSite:
        """The finished site."""
        call = self._resolver.call(path, index)
        facts = self._resolver.facts(path)
        assert isinstance(call.func, model.Attr)
        node = Run(path, call.scope)
        sources = self._callers.sources(node)
        kinds = {source.kind for source in sources}
        signalled = any(source.kind == "event" and "signal" in source.text for source in sources)
        frequency = self._frequencies.of(node)
        blocks = facts.scopes[call.scope].blocks
        failing = any(blocks[each].kind == "except" for each in ancestors(facts.scopes[call.scope], call.block))
        return DisposeSite(
            spans.of(path, call),
            call.line,
            facts.scopes[call.scope].qualname,
            frequency,
            call.func.value.id if isinstance(call.func.value, model.Name) else "engine",
            True,
            False,
            signalled or not kinds.isdisjoint(_SHUTDOWN),
            self._places.is_test(path),
            self._places.is_migration(path),
            after_failure=failing,
            replaced=self._disposing.is_replaced(path, call.scope, dotted(call.func.value)),
        )
