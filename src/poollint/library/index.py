"""`Library`: the rows of all files, indexed by dotted name, with aliases folded and base classes followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from poollint.library.aliases import alias_table, fold, transitive_bases
from poollint.library.model import EngineFactory, EntryPoint, Form, Owner, SessionKind, Symbol, TypeRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from poollint.library.model import (
        AntiMemoizer,
        LibraryFile,
        Memoizer,
        ReceiverHint,
        SessionFactory,
    )
    from poollint.library.predicates import Predicate

_Row = TypeVar("_Row")
_UniqueRow = TypeVar("_UniqueRow", EngineFactory, Symbol)

ENGINE = "sqlalchemy.engine.Engine"
ASYNC_ENGINE = "sqlalchemy.ext.asyncio.AsyncEngine"
_SESSION_TYPES = {
    SessionKind.SESSION: "sqlalchemy.orm.Session",
    SessionKind.ASYNC_SESSION: "sqlalchemy.ext.asyncio.AsyncSession",
}
_SESSION_FACTORY_TYPES = {
    SessionKind.SESSION: "sqlalchemy.orm.sessionmaker",
    SessionKind.ASYNC_SESSION: "sqlalchemy.ext.asyncio.async_sessionmaker",
    SessionKind.REGISTRY: "sqlalchemy.orm.scoped_session",
}


@dataclass(frozen=True, slots=True)
class Library:
    """What poollint knows of libraries. Every name that is passed in may be an alias.

    A lookup of a method (`a.Foo.m`) answers for the class itself first and then for its base classes, nearest first.
    `markers` are byte strings: a file without any of them makes no engine by itself. `factory_names` are the last parts
    of the names of all engine factories. `digest` identifies the content
    of all YAML files, as hexadecimal sha256.
    """

    digest: str
    markers: tuple[bytes, ...]
    factory_names: frozenset[str]
    facts: Mapping[str, object]
    _aliases: Mapping[str, str]
    _bases: Mapping[str, tuple[str, ...]]
    _entry_points: Mapping[str, tuple[EntryPoint, ...]]
    _subclass: Mapping[str, tuple[EntryPoint, ...]]
    _named: Mapping[Predicate, EntryPoint]
    _hints: Mapping[str, tuple[ReceiverHint, ...]]
    _memoizers: Mapping[str, Memoizer]
    _anti_memoizers: Mapping[str, AntiMemoizer]
    _engine_factories: Mapping[str, EngineFactory]
    _session_factories: Mapping[str, SessionFactory]
    _types: Mapping[str, TypeRow]
    _symbols: Mapping[str, Mapping[str, Symbol]]
    _factory_methods: Mapping[str, EngineFactory]
    _borrowing_methods: Mapping[str, Symbol]
    _hooks: Mapping[Predicate, Symbol]
    _transparent: frozenset[str]
    _same_engine: Mapping[str, bool]
    _session_proxies: Mapping[str, bool]

    def canonical(self, fqn: str) -> str:
        """The canonical spelling of a dotted name; also of members of a class that is known by an alias."""
        return fold(self._aliases, fqn)

    def bases(self, fqn: str) -> tuple[str, ...]:
        """All known base classes of a library class, nearest first, without itself."""
        return self._bases.get(self.canonical(fqn), ())

    def entry_points(self, fqn: str) -> tuple[EntryPoint, ...]:
        """Rows of the forms call, method, decorator, assign, append and statement for this name."""
        return self._member(self._entry_points, fqn) or ()

    def subclass_entry_points(self, base_fqn: str) -> tuple[EntryPoint, ...]:
        """Rows that say which methods of a class deriving from `base_fqn` the library calls, of its bases too."""
        name = self.canonical(base_fqn)
        own = self._subclass.get(name, ())
        return own + tuple(row for base in self._bases.get(name, ()) for row in self._subclass.get(base, ()))

    def named(self, predicate: Predicate) -> EntryPoint | None:
        """The row that gives a predicate its kind, frequency and context."""
        return self._named.get(predicate)

    def hook(self, predicate: Predicate) -> Symbol | None:
        """The fork or release hook that a predicate describes."""
        return self._hooks.get(predicate)

    def hints(self, method: str) -> tuple[ReceiverHint, ...]:
        """Hints for a method (or attribute) of this name on a receiver of unknown type."""
        return self._hints.get(method, ())

    def memoizer(self, fqn: str) -> Memoizer | None:
        """The row of a decorator or wrapper that makes a factory run once (per key)."""
        return self._member(self._memoizers, fqn)

    def anti_memoizer(self, fqn: str) -> AntiMemoizer | None:
        """The row of something that looks like a memoizer and is none for engines."""
        return self._member(self._anti_memoizers, fqn)

    def engine_factory(self, fqn: str) -> EngineFactory | None:
        """The row of a call that makes an engine or a pool."""
        return self._member(self._engine_factories, fqn)

    def session_factory(self, fqn: str) -> SessionFactory | None:
        """The row of a call that makes a session, or something that makes sessions."""
        return self._member(self._session_factories, fqn)

    def type_row(self, fqn: str) -> TypeRow | None:
        """What a call of this name gives, what `with` binds, which attributes have which type."""
        return self._member(self._types, fqn)

    def release_hook(self, fqn: str) -> Symbol | None:
        """A place where closing counts as releasing what the scope owns."""
        return self._member(self._symbols["release_hooks"], fqn)

    def fork_hook_child(self, fqn: str) -> Symbol | None:
        """A way to run code in a forked child before anything else."""
        return self._member(self._symbols["fork_hooks_child"], fqn)

    def fork_hook_parent(self, fqn: str) -> Symbol | None:
        """A way to run code in the parent before it forks."""
        return self._member(self._symbols["fork_hooks_parent_before"], fqn)

    def borrower(self, fqn: str) -> Symbol | None:
        """A call that takes an engine and neither keeps nor disposes of it, unless `wraps` is set."""
        return self._member(self._symbols["engine_borrowers"], fqn)

    def factory_method(self, method: str) -> EngineFactory | None:
        """The factory whose method name nothing else uses: for a receiver of unknown type, medium confidence."""
        return self._factory_methods.get(method)

    def borrowing_method(self, method: str) -> Symbol | None:
        """The borrower whose method name nothing else uses (`to_sql`): for a receiver of unknown type."""
        return self._borrowing_methods.get(method)

    def self_disposing(self, fqn: str) -> Symbol | None:
        """A call that makes an engine of its own and disposes of it."""
        return self._member(self._symbols["self_disposing"], fqn)

    def connection_acquirer(self, fqn: str) -> Symbol | None:
        """A call that checks a connection out of a pool."""
        return self._member(self._symbols["connection_acquirers"], fqn)

    def is_dispose(self, fqn: str) -> bool:
        """Whether this is the dispose() of an engine."""
        return self._member(self._symbols["dispose"], fqn) is not None

    def is_transparent(self, fqn: str) -> bool:
        """Whether a function decorated with this still runs as often as its callers say."""
        return self.canonical(fqn) in self._transparent

    def is_same_engine(self, fqn: str) -> bool:
        """Whether the result of this call or attribute is an engine on the same pool, or no engine at all."""
        return self._member(self._same_engine, fqn) is not None

    def is_session_proxy(self, fqn: str) -> bool:
        """Whether this attribute is a session that the framework owns."""
        return self._member(self._session_proxies, fqn) is not None

    def _member(self, table: Mapping[str, _Row], fqn: str) -> _Row | None:
        name = self.canonical(fqn)
        found = table.get(name)
        if found is not None:
            return found
        owner, _, member = name.rpartition(".")
        for base in self._bases.get(owner, ()):
            found = table.get(fold(self._aliases, f"{base}.{member}"))
            if found is not None:
                return found
        return None


def build_library(files: Sequence[LibraryFile], digest: str) -> Library:
    """Index the rows of all files; rows of a later file replace those of the same name of an earlier one."""
    aliases = alias_table(_rows(files))
    types = _by_name((file.types for file in files), aliases)
    factories = _by_name((file.engine_factories for file in files), aliases)
    sessions = _by_name((file.session_factories for file in files), aliases)
    borrowers = _by_name((file.engine_borrowers for file in files), aliases)
    hooks = ("release_hooks", "fork_hooks_child", "fork_hooks_parent_before")
    symbols = (*hooks, "engine_borrowers", "self_disposing", "connection_acquirers", "dispose")
    return Library(
        digest=digest,
        markers=_markers(factories.values()),
        factory_names=frozenset(name.rpartition(".")[2] for name in factories),
        facts={key: value for file in files for key, value in file.facts.items()},
        _aliases=aliases,
        _bases=transitive_bases(types.values(), aliases),
        _entry_points=_entry_points(files, aliases, subclass=False),
        _subclass=_entry_points(files, aliases, subclass=True),
        _named={row.predicate: row for file in files for row in file.entrypoints if row.predicate is not None},
        _hints=_hints(files),
        _memoizers=_by_name((file.memoizers for file in files), aliases),
        _anti_memoizers=_by_name((file.anti_memoizers for file in files), aliases),
        _engine_factories=factories,
        _session_factories=sessions,
        _types=_result_types(factories, sessions) | types,
        _symbols={section: _by_name((getattr(file, section) for file in files), aliases) for section in symbols},
        _factory_methods=_unique_methods(factories),
        _borrowing_methods=_unique_methods(borrowers),
        _hooks={
            row.predicate: row
            for file in files
            for section in hooks
            for row in getattr(file, section)
            if row.predicate is not None
        },
        _transparent=frozenset(fold(aliases, name) for file in files for name in file.transparent_decorators),
        _same_engine={fold(aliases, name): True for file in files for name in file.not_new_engines},
        _session_proxies={fold(aliases, name): True for file in files for name in file.session_proxies},
    )


def _rows(files: Sequence[LibraryFile]) -> Iterable[Any]:
    for file in files:
        for section in file.__struct_fields__:
            rows = getattr(file, section)
            if isinstance(rows, tuple):
                yield from (row for row in rows if hasattr(row, "also"))


def _names(row: Any, aliases: Mapping[str, str]) -> list[str]:
    return [fold(aliases, name) for name in (row.fqn, *row.likewise) if name]


def _by_name(sections: Iterable[Iterable[_Row]], aliases: Mapping[str, str]) -> dict[str, _Row]:
    return {name: row for rows in sections for row in rows for name in _names(row, aliases)}


def _entry_points(
    files: Sequence[LibraryFile], aliases: Mapping[str, str], *, subclass: bool
) -> dict[str, tuple[EntryPoint, ...]]:
    table: dict[str, tuple[EntryPoint, ...]] = {}
    for file in files:
        added: dict[str, list[EntryPoint]] = {}
        for row in file.entrypoints:
            if (row.form is Form.SUBCLASS) is subclass:
                for name in _names(row, aliases):
                    added.setdefault(name, []).append(row)
        for name, rows in added.items():
            forms = {row.form for row in rows}
            table[name] = (*(row for row in table.get(name, ()) if row.form not in forms), *rows)
    return table


def _unique_methods(rows: Mapping[str, _UniqueRow]) -> dict[str, _UniqueRow]:
    return {name.rpartition(".")[2]: row for name, row in rows.items() if row.unique}


def _hints(files: Sequence[LibraryFile]) -> dict[str, tuple[ReceiverHint, ...]]:
    table: dict[str, tuple[ReceiverHint, ...]] = {}
    for file in files:
        for row in file.receiver_hints:
            for method in row.method.split("|"):
                table[method] = (*table.get(method, ()), row)
    return table


def _result_types(factories: Mapping[str, EngineFactory], sessions: Mapping[str, SessionFactory]) -> dict[str, TypeRow]:
    """Types that follow from the factory rows, so that nobody has to write them twice."""
    table: dict[str, TypeRow] = {}
    for name, factory in factories.items():
        returns = factory.returns
        if not returns and factory.owner is Owner.CALL and not factory.pool_only:
            returns = ASYNC_ENGINE if factory.is_async else ENGINE
        if returns:
            table[name] = TypeRow(fqn=name, returns=returns)
    for name, session in sessions.items():
        if session.creates is not None and session.creates in _SESSION_TYPES:
            table[name] = TypeRow(fqn=name, returns=_SESSION_TYPES[session.creates])
        elif session.creates_factory is not None:
            table[name] = TypeRow(fqn=name, returns=_SESSION_FACTORY_TYPES[session.creates_factory])
    return table


def _markers(factories: Iterable[EngineFactory]) -> tuple[bytes, ...]:
    texts: set[str] = set()
    for row in factories:
        if not row.pool_only:
            texts.update(row.markers or (name.rpartition(".")[2] for name in (row.fqn, *row.also, *row.likewise)))
    shortest = {text for text in texts if not any(other != text and other in text for other in texts)}
    return tuple(sorted(text.encode() for text in shortest))
