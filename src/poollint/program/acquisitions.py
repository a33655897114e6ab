"""Finds the calls that make engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.library.markers import NEVER_ALONE
from poollint.library.model import Owner
from poollint.program.expressions import last_name, values_given
from poollint.program.mentions import called_as
from poollint.program.references import Role
from poollint.program.values import ClassValue, External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.library.model import EngineFactory
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.references import Position
    from poollint.program.values import Value


class Acquisition(Struct, frozen=True):
    """A call of an engine factory, before anything is known of its surroundings.

    `registered`: the factory is not called but passed to a provider, which calls it at every use.
    """

    path: str
    call: int
    factory: EngineFactory
    fqn: str
    registered: bool = False


class Acquisitions:
    """Looks for calls by the names of factories, and resolves only those."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._library = resolver.library
        self._mentions = mentions

    def files(self, paths: Sequence[str]) -> Sequence[str]:
        """Those of the files that may call a factory: each holds a factory's own name, and what marks that factory."""
        project = self._resolver.project
        if project.everything:
            return paths
        names: dict[bytes, set[bytes]] = {}
        for text, package, name in self._library.factory_pairs:
            if text not in NEVER_ALONE or project.mentioning(package.decode()):
                names.setdefault(text, set()).add(name)
        found = []
        for path in project.naming(paths, self._library.factory_names):
            data, tokens = project.data(path), project.tokens(path)
            if any(_has(data, text) and not tokens.isdisjoint(called) for text, called in names.items()):
                found.append(path)
        return found

    def of(self, paths: list[str]) -> list[Acquisition]:
        """The engine factory calls of these files, in order. Each file with one holds the factory's own name."""
        found: list[Acquisition] = []
        for path in self.files(paths):
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            wanted = _factory_names(facts, self._library.factory_names)
            for index, call in enumerate(facts.calls):
                if last_name(call.func) in wanted:
                    found.extend(self._factory_calls(path, index))
            found.extend(self._given_away(path, wanted))
        return found

    def _factory_calls(self, path: str, index: int) -> list[Acquisition]:
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            fqn = self._factory_name(value)
            row = self._library.engine_factory(fqn) if fqn else None
            if row is not None and self._applies(path, call, row):
                return [Acquisition(path, index, row, fqn)]
        return []

    def _factory_name(self, value: Value) -> str:
        if isinstance(value, External):
            return value.fqn
        if isinstance(value, ClassValue):
            # A subclass of a library class that owns an engine.
            for base in self._resolver.classes.external_bases(value):
                if self._library.engine_factory(base) is not None:
                    return base
        return ""

    def _applies(self, path: str, call: model.Call, row: EngineFactory) -> bool:
        if row.pool_only or (row.memoised and row.owner is Owner.CALL):
            return False
        given = {name for name, _ in call.keywords if name is not None}
        if any(keyword in given for keyword in row.unless):
            return False
        if row.owner is Owner.APP and not call.args and "app" not in given:
            return False
        if row.string_url:
            expr = next((value for name, value in call.keywords if row.url is not None and name == row.url.kw), None)
            if expr is None and row.url is not None and row.url.pos is not None and row.url.pos < len(call.args):
                expr = call.args[row.url.pos]
            return expr is not None and not self._is_engine(path, call.scope, expr)
        return True

    def _is_engine(self, path: str, scope: int, expr: model.Expr) -> bool:
        for value in self._resolver.values(path, scope, expr):
            if isinstance(value, ExternalInstance) and value.fqn.rpartition(".")[2] in (
                "Engine",
                "AsyncEngine",
                "Connection",
            ):
                return True
        return False

    def _given_away(self, path: str, names: frozenset[str]) -> list[Acquisition]:
        """`providers.Factory(create_engine, url)`: a new engine at every use of the provider."""
        found: list[Acquisition] = []
        calls = self._resolver.facts(path).calls
        for name in sorted({last_name(given) for call in calls for given in values_given(call)} & names):
            for reference in self._mentions.of(path, name):
                position = reference.position
                if position.role is not Role.ARGUMENT or not self._is_called_at_every_use(path, position):
                    continue
                for value in self._resolver.values(path, position.scope, reference.expr):
                    row = self._library.engine_factory(value.fqn) if isinstance(value, External) else None
                    if row is not None and isinstance(value, External):
                        found.append(Acquisition(path, position.index, row, value.fqn, True))
        return found

    def _is_called_at_every_use(self, path: str, position: Position) -> bool:
        """The argument is one that a provider calls again and again."""
        for callee in self._resolver.callee(path, position.index):
            row = self._library.anti_memoizer(callee.fqn) if isinstance(callee, External) else None
            if row is not None and row.callable is not None:
                if position.slot in (row.callable.pos, row.callable.kw):
                    return True
        return False


def _has(data: bytes, text: bytes) -> bool:
    """The text occurs; one that is an import statement, where a statement begins."""
    if not text.startswith((b"from ", b"import ")):
        return text in data
    place = data.find(text)
    while place >= 0:
        if not data[data.rfind(b"\n", 0, place) + 1 : place].strip():
            return True
        place = data.find(text, place + 1)
    return False


def _factory_names(facts: model.ModuleFacts, names: frozenset[str]) -> frozenset[str]:
    """The names under which a file may call a factory: also aliases, and variables set to one."""
    called = called_as(facts, names)
    return called | _assigned_aliases(facts, called)


def _assigned_aliases(facts: model.ModuleFacts, names: frozenset[str]) -> frozenset[str]:
    """Variables that are set to a factory: `build = create_engine`."""
    return frozenset(
        op.target.id
        for scope in facts.scopes
        for op in scope.ops
        if isinstance(op.target, model.Name)
        and isinstance(op.value, (model.Name, model.Attr))
        and last_name(op.value) in names
    )
