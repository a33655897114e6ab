"""Calls and statements on factories, registries and engines that cannot do what they are written for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import last_name, names_bound, spelled
from poollint.program.graph import Run
from poollint.program.lifetimes.registry_sites import Misuse, MisuseSite
from poollint.program.lifetimes.spread import Spread, call_on, is_whole
from poollint.program.mentions import called_as
from poollint.program.references import Role
from poollint.program.sites import Times
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.program.acquisitions import Acquisition
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.lifetimes.factories import Factory
    from poollint.program.lifetimes.registries import Registry
    from poollint.program.lifetimes.spread import Use
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.sites import Span

_FACTORY_METHODS = frozenset({"begin", "configure", "close_all", "identity_key", "object_session", "mro"})
_ENGINES = frozenset({"sqlalchemy.engine.Engine", "sqlalchemy.ext.asyncio.AsyncEngine"})
_SHUTDOWN = frozenset({"cleanup", "child_init", "import_time"})
_CLOSING_ALL = frozenset({"close_all_sessions", "close_all"})

Found = tuple[Misuse, str, "Span", int, str, str]
"""Kind, file, place, scope, the object as written, and the method."""


class Misuses:
    """Finds the places and builds their sites."""

    def __init__(self, resolver: Resolver, callers: Callers, frequencies: Frequencies, places: Places) -> None:
        self._resolver = resolver
        self._callers = callers
        self._frequencies = frequencies
        self._places = places
        self._engines = Spread(resolver, callers.mentions, _ENGINES)

    def found(
        self, factories: Iterable[Factory], registries: Iterable[Registry], engines: Iterable[Acquisition]
    ) -> list[Found]:
        """All of them, in order."""
        result: set[Found] = set()
        for factory in factories:
            for use in factory.uses:
                result.update(self._of_factory(use))
        for registry in registries:
            for use in registry.uses:
                result.update(self._of_registry(use))
        for engine in engines:
            result.update(self._of_engine(engine))
        result.update(self._closing_all())
        return sorted(result, key=lambda each: (each[2], each[0].value))

    def nodes(self, found: Found) -> list[Node]:
        """The nodes whose frequencies the site needs."""
        return [Run(found[1], found[3])]

    def site(self, found: Found) -> MisuseSite:
        """The finished site."""
        kind, path, span, scope, name, method = found
        node = Run(path, scope)
        frequency = self._frequencies.of(node)
        return MisuseSite(
            kind=kind,
            span=span,
            name=name,
            method=method,
            symbol=self._resolver.scope(path, scope).qualname,
            frequency=frequency,
            once=self._is_once(node),
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
        )

    def _is_once(self, node: Run) -> bool:
        if node.scope == 0:
            return True
        frequency = self._frequencies.of(node)
        if frequency.known and frequency.times <= Times.ONCE:
            return True
        if self._ends_the_database(node):
            return True
        sources = self._callers.sources(node)
        return any(
            source.kind in _SHUTDOWN or (source.kind == "event" and "signal" in source.text) for source in sources
        )

    def _ends_the_database(self, node: Run) -> bool:
        """The function disposes of the engine too: everything of the database is shut down."""
        facts = self._resolver.facts(node.path)
        funcs = (facts.calls[index].func for index in facts.scopes[node.scope].calls)
        return any(isinstance(func, model.Attr) and func.attr == "dispose" for func in funcs)

    # ---------------------------------------------------------------------------------------------- looking
    def _of_factory(self, use: Use) -> Iterator[Found]:
        called = call_on(self._resolver.facts(use.path), use)
        if use.position.role is Role.ENTERED and is_whole(use):
            yield from self._entered(Misuse.ENTERED_FACTORY, use)
        elif called is not None and called[1] and called[1] not in _FACTORY_METHODS and self._is_certain(use):
            yield self._at_call(Misuse.METHOD_OF_FACTORY, use, *called)

    def _of_registry(self, use: Use) -> Iterator[Found]:
        facts = self._resolver.facts(use.path)
        called = call_on(facts, use)
        references = self._callers.mentions.references(use.path)
        if use.query or references is None:
            return
        if use.position.role is Role.ENTERED and is_whole(use):
            yield from self._entered(Misuse.ENTERED_REGISTRY, use)
        elif called is not None and called[1] == "remove":
            result = references.call(called[0])
            if result is not None and result.role is Role.ASSIGNED and not facts.calls[called[0]].awaited:
                yield self._at_call(Misuse.USED_REMOVAL, use, *called)
        elif called is not None and called[1] == "":
            outer = facts.calls[called[0]].outer
            func = facts.calls[outer].func if outer >= 0 else None
            if isinstance(func, model.Attr) and func.attr == "remove" and facts.calls[called[0]].role == "func":
                yield self._at_call(Misuse.REMOVED_SESSION, use, outer, "remove")

    def _of_engine(self, engine: Acquisition) -> Iterator[Found]:
        """`with engine as connection`; looked for only where a `with` names what the engine is bound to."""
        scope = self._resolver.scope(engine.path, self._resolver.call(engine.path, engine.call).scope)
        names = {
            name
            for op in scope.ops
            if isinstance(op.value, model.CallRef) and op.value.index == engine.call
            for name in names_bound(op.target)
        }
        if not any(self._is_entered(name) for name in sorted(names)):
            return
        for use in self._engines.uses(engine.path, engine.call):
            if use.position.role is Role.ENTERED and is_whole(use):
                yield from self._entered(Misuse.ENTERED_ENGINE, use)

    def _is_entered(self, name: str) -> bool:
        project, statement = self._resolver.project, f"with {name} as".encode()
        return any(statement in project.data(path) for path in project.mentioning(name))

    def _closing_all(self) -> Iterator[Found]:
        project = self._resolver.project
        for path in project.naming(project.files, _CLOSING_ALL):
            facts = project.facts(path)
            wanted = called_as(facts, _CLOSING_ALL) if facts is not None else _CLOSING_ALL
            for index, call in enumerate(facts.calls if facts is not None else ()):
                for value in self._resolver.callee(path, index) if last_name(call.func) in wanted else ():
                    if isinstance(value, External) and value.fqn.startswith("sqlalchemy."):
                        name = value.fqn.rpartition(".")[2]
                        if name in _CLOSING_ALL and facts is not None:
                            written = spelled(call.func, facts)
                            yield Misuse.CLOSED_ALL, path, spans.of(path, call), call.scope, written, name

    # ---------------------------------------------------------------------------------------------- details
    def _entered(self, kind: Misuse, use: Use) -> Iterator[Found]:
        if self._is_certain(use):
            written = spelled(use.expr, self._resolver.facts(use.path))
            yield kind, use.path, spans.of(use.path, use.position), use.position.scope, written, ""

    def _at_call(self, kind: Misuse, use: Use, index: int, method: str) -> Found:
        facts = self._resolver.facts(use.path)
        written = spelled(use.expr, facts)
        return kind, use.path, spans.of(use.path, facts.calls[index]), facts.calls[index].scope, written, method

    def _is_certain(self, use: Use) -> bool:
        """The mention is nothing else on another path."""
        values = self._resolver.values(use.path, use.position.scope, use.expr)
        kinds = {value.fqn if isinstance(value, ExternalInstance) else "" for value in values}
        return len(kinds) == 1 and "" not in kinds
