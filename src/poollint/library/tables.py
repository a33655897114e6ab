"""The rows of all files, keyed by dotted name: what is compiled, and what `Library` looks things up in.

A row is stored once and found by number, because one row often answers for a dozen names. All folding of aliases and
following of base classes happens here, once per content of the YAML files, and not at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from poollint.library.aliases import alias_table, fold, transitive_bases
from poollint.library.model import (
    AntiMemoizer,
    DefaultPool,
    DriverPool,
    EngineDriver,
    EngineFactory,
    EngineOption,
    EntryPoint,
    Form,
    Handle,
    HandleMaker,
    LibraryFile,
    Memoizer,
    Owner,
    PoolClass,
    ReceiverHint,
    SessionFactory,
    SessionKind,
    SlowCall,
    Streamer,
    Symbol,
    TypeRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RowT = TypeVar("RowT")
_UniqueRow = TypeVar("_UniqueRow", EngineFactory, Symbol)

HOOK_SECTIONS = ("release_hooks", "fork_hooks_child", "fork_hooks_parent_before")
SYMBOL_SECTIONS = (*HOOK_SECTIONS, "engine_borrowers", "self_disposing", "connection_acquirers", "dispose")

_ENGINE = "sqlalchemy.engine.Engine"
_ASYNC_ENGINE = "sqlalchemy.ext.asyncio.AsyncEngine"
_SESSION_TYPES = {
    SessionKind.SESSION: "sqlalchemy.orm.Session",
    SessionKind.ASYNC_SESSION: "sqlalchemy.ext.asyncio.AsyncSession",
}
_SESSION_FACTORY_TYPES = {
    SessionKind.SESSION: "sqlalchemy.orm.sessionmaker",
    SessionKind.ASYNC_SESSION: "sqlalchemy.ext.asyncio.async_sessionmaker",
    SessionKind.REGISTRY: "sqlalchemy.orm.scoped_session",
}


class Table(msgspec.Struct, Generic[RowT], frozen=True):
    """Rows, and for each canonical name (or other key) the numbers of the rows that answer for it."""

    rows: tuple[RowT, ...]
    numbers: dict[str, tuple[int, ...]]

    def all(self, key: str) -> tuple[RowT, ...]:
        """The rows for this key."""
        return tuple(self.rows[number] for number in self.numbers.get(key, ()))


class Tables(msgspec.Struct, frozen=True):
    """Everything that `Library` answers from; plain data, so that msgspec writes and reads it as it is."""

    digest: str
    markers: tuple[str, ...]
    aliases: dict[str, str]
    bases: dict[str, tuple[str, ...]]
    entry_points: Table[EntryPoint]
    subclass: Table[EntryPoint]
    named: Table[EntryPoint]
    hints: Table[ReceiverHint]
    memoizers: Table[Memoizer]
    anti_memoizers: Table[AntiMemoizer]
    engine_factories: Table[EngineFactory]
    session_factories: Table[SessionFactory]
    types: Table[TypeRow]
    handle_makers: Table[HandleMaker]
    handles: Table[Handle]
    slow_calls: Table[SlowCall]
    streamers: Table[Streamer]
    pools: Table[PoolClass]
    engine_drivers: Table[EngineDriver]
    default_pools: tuple[DefaultPool, ...]
    engine_options: Table[EngineOption]
    driver_pools: Table[DriverPool]
    factory_methods: Table[EngineFactory]
    borrowing_methods: Table[Symbol]
    symbols: dict[str, Table[Symbol]]
    hooks: Table[Symbol]
    transparent: frozenset[str]
    same_engine: frozenset[str]
    session_proxies: frozenset[str]
    facts: dict[str, object]


def compile_tables(files: Sequence[LibraryFile], digest: str) -> Tables:
    """Index the rows of all files; rows of a later file replace those of the same name (and form) of earlier ones."""
    aliases = alias_table(_rows_with_aliases(files))
    entries = [file.entrypoints for file in files]
    factories = _by_name([file.engine_factories for file in files], aliases)
    sessions = _by_name([file.session_factories for file in files], aliases)
    types = [tuple(_result_types(factories, sessions)), *(file.types for file in files)]
    symbols = {section: _by_name([getattr(file, section) for file in files], aliases) for section in SYMBOL_SECTIONS}
    hooks = [row for file in files for section in HOOK_SECTIONS for row in getattr(file, section)]
    return Tables(
        digest=digest,
        markers=_markers(factories.rows),
        aliases=aliases,
        bases=transitive_bases((row for rows in types for row in rows), aliases),
        entry_points=_by_name_and_form([_registering(rows) for rows in entries], aliases),
        subclass=_by_name_and_form([_subclassing(rows) for rows in entries], aliases),
        named=_table((str(row.predicate), row) for rows in entries for row in rows if row.predicate is not None),
        hints=_hints(files),
        memoizers=_by_name([file.memoizers for file in files], aliases),
        anti_memoizers=_by_name([file.anti_memoizers for file in files], aliases),
        engine_factories=factories,
        session_factories=sessions,
        types=_by_name(types, aliases),
        handle_makers=_by_name([file.handle_makers for file in files], aliases),
        handles=_by_name([file.handles for file in files], aliases),
        slow_calls=_by_name([file.slow_calls for file in files], aliases),
        streamers=_by_name([file.streamers for file in files], aliases),
        pools=_by_name([file.pools for file in files], aliases),
        engine_drivers=_table((name, row) for file in files for row in file.engine_drivers for name in _urls(row)),
        default_pools=tuple(row for file in files for row in file.default_pools),
        engine_options=_table((row.name, row) for file in files for row in file.engine_options),
        driver_pools=_by_name([file.driver_pools for file in files], aliases),
        factory_methods=_unique_methods(factories),
        borrowing_methods=_unique_methods(symbols["engine_borrowers"]),
        symbols=symbols,
        hooks=_table((str(row.predicate), row) for row in hooks if row.predicate is not None),
        transparent=frozenset(fold(aliases, name) for file in files for name in file.transparent_decorators),
        same_engine=frozenset(fold(aliases, name) for file in files for name in file.not_new_engines),
        session_proxies=frozenset(fold(aliases, name) for file in files for name in file.session_proxies),
        facts={key: value for file in files for key, value in file.facts.items()},
    )


def _rows_with_aliases(files: Sequence[LibraryFile]) -> Iterable[Any]:
    for file in files:
        for section in file.__struct_fields__:
            rows = getattr(file, section)
            if isinstance(rows, tuple):
                yield from (row for row in rows if hasattr(row, "also"))


def _names(row: Any, aliases: Mapping[str, str]) -> Iterable[str]:
    return (fold(aliases, name) for name in (row.fqn, *row.likewise) if name)


def _urls(row: EngineDriver) -> Iterable[str]:
    """The beginnings of URLs that name the driver."""
    driver = row.url.partition("+")[2]
    return (row.url, *(f"{dialect}+{driver}" for dialect in row.dialects))


def _table(pairs: Iterable[tuple[str, RowT]]) -> Table[RowT]:
    """A table with one row per key, the last one given."""
    rows: list[RowT] = []
    numbers: dict[str, tuple[int, ...]] = {}
    for key, row in pairs:
        if not rows or rows[-1] is not row:
            rows.append(row)
        numbers[key] = (len(rows) - 1,)
    return Table(tuple(rows), numbers)


def _by_name(sections: Iterable[Iterable[RowT]], aliases: Mapping[str, str]) -> Table[RowT]:
    return _table((name, row) for rows in sections for row in rows for name in _names(row, aliases))


def _by_name_and_form(sections: Iterable[Iterable[EntryPoint]], aliases: Mapping[str, str]) -> Table[EntryPoint]:
    """A table with several rows per name. A later section replaces the rows of a name form by form."""
    all_rows: list[EntryPoint] = []
    numbers: dict[str, tuple[int, ...]] = {}
    for rows in sections:
        added: dict[str, list[int]] = {}
        for row in rows:
            all_rows.append(row)
            for name in _names(row, aliases):
                added.setdefault(name, []).append(len(all_rows) - 1)
        for name, new in added.items():
            forms = {all_rows[number].form for number in new}
            kept = [number for number in numbers.get(name, ()) if all_rows[number].form not in forms]
            numbers[name] = (*kept, *new)
    return Table(tuple(all_rows), numbers)


def _unique_methods(table: Table[_UniqueRow]) -> Table[_UniqueRow]:
    rows = ((name.rpartition(".")[2], table.rows[number]) for name, (number,) in table.numbers.items())
    return _table((method, row) for method, row in rows if row.unique)


def _registering(rows: Iterable[EntryPoint]) -> list[EntryPoint]:
    return [row for row in rows if row.form not in (Form.SUBCLASS, Form.NAMED)]


def _subclassing(rows: Iterable[EntryPoint]) -> list[EntryPoint]:
    return [row for row in rows if row.form is Form.SUBCLASS]


def _hints(files: Sequence[LibraryFile]) -> Table[ReceiverHint]:
    rows = tuple(row for file in files for row in file.receiver_hints)
    numbers: dict[str, tuple[int, ...]] = {}
    for number, row in enumerate(rows):
        for method in row.method.split("|"):
            numbers[method] = (*numbers.get(method, ()), number)
    return Table(rows, numbers)


def _result_types(factories: Table[EngineFactory], sessions: Table[SessionFactory]) -> Iterable[TypeRow]:
    """Types that follow from the factory rows, so that nobody has to write them twice; explicit rows come later."""
    for name, (number,) in factories.numbers.items():
        factory = factories.rows[number]
        returns = factory.returns
        if not returns and factory.owner is Owner.CALL and not factory.pool_only:
            returns = _ASYNC_ENGINE if factory.is_async else _ENGINE
        if returns:
            yield TypeRow(fqn=name, returns=returns)
    for name, (number,) in sessions.numbers.items():
        session = sessions.rows[number]
        if session.creates is not None and session.creates in _SESSION_TYPES:
            yield TypeRow(fqn=name, returns=_SESSION_TYPES[session.creates])
        elif session.creates_factory is not None:
            yield TypeRow(fqn=name, returns=_SESSION_FACTORY_TYPES[session.creates_factory])


def _markers(factories: Iterable[EngineFactory]) -> tuple[str, ...]:
    """The shortest set of texts: one that contains another one adds nothing."""
    texts: set[str] = set()
    for row in factories:
        if not row.pool_only:
            texts.update(row.markers or (name.rpartition(".")[2] for name in (row.fqn, *row.also, *row.likewise)))
    return tuple(sorted(text for text in texts if not any(other != text and other in text for other in texts)))
