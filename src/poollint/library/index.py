"""`Library`: what the rest of poollint asks about dotted names of libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from poollint.library.aliases import fold

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from poollint.library.model import (
        AntiMemoizer,
        DefaultPool,
        DriverPool,
        EngineDriver,
        EngineFactory,
        EngineOption,
        EntryPoint,
        Handle,
        HandleMaker,
        Kind,
        Memoizer,
        PoolClass,
        ReceiverHint,
        SessionFactory,
        SlowCall,
        Streamer,
        Symbol,
        TypeRow,
    )
    from poollint.library.predicates import Predicate
    from poollint.library.tables import Table, Tables

_Row = TypeVar("_Row")
_WITH_MUCH_ELSE = frozenset({"asyncio", "builtins", "os", "time"})
"""Modules of which a few functions are slow: a file names the function."""
_DEEPEST_CLIENT = 4
"""Attributes between a client and its method: `client.chat.completions.create`."""


class Library(Struct, frozen=True):
    """What poollint knows of libraries. Every name that is passed in may be an alias.

    A lookup of a method (`a.Foo.m`) answers for the class itself first and then for its base classes, nearest first.
    """

    _tables: Tables

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 over the content of all YAML files, and of the code that compiles them."""
        return self._tables.digest

    @property
    def markers(self) -> tuple[bytes, ...]:
        """Byte strings: a file without any of them makes no engine by itself."""
        return tuple(text.encode() for text in self._tables.markers)

    @property
    def factory_names(self) -> frozenset[str]:
        """The last parts of the names of all engine factories."""
        return frozenset(name.rpartition(".")[2] for name in self._tables.engine_factories.numbers)

    @property
    def factory_pairs(self) -> frozenset[tuple[bytes, bytes, bytes]]:
        """(text, package, name): a file that calls the factory of this name contains the text."""
        table = self._tables.engine_factories
        found: set[tuple[bytes, bytes, bytes]] = set()
        for name, numbers in table.numbers.items():
            package, last = name.partition(".")[0].encode(), name.rpartition(".")[2].encode()
            for number in numbers:
                texts = table.rows[number].markers
                found.update((text.encode(), package, last) for text in texts or (last.decode(),))
        return frozenset(found)

    @property
    def session_packages(self) -> frozenset[str]:
        """SQLAlchemy and the packages that hand out its sessions: what a file that imports sessions mentions."""
        tables = self._tables
        sessions = {name.partition(".")[0] for name in (*tables.session_factories.numbers, *tables.handles.numbers)}
        engines = {name.partition(".")[0] for name in tables.engine_factories.numbers}
        return frozenset(sessions.union(name for name in engines if "alchemy" in name))

    @property
    def session_factory_names(self) -> frozenset[str]:
        """The last parts of the names of what makes sessions, or makes something that makes them."""
        return frozenset(name.rpartition(".")[2] for name in self._tables.session_factories.numbers)

    def registering_names(self, kinds: Container[Kind]) -> frozenset[str]:
        """The last parts of the names of calls and methods that register a callable of one of these kinds."""
        table = self._tables.entry_points
        return frozenset(
            name.rpartition(".")[2]
            for name, numbers in table.numbers.items()
            if any(table.rows[number].kind in kinds for number in numbers)
        )

    @property
    def instance_methods(self) -> frozenset[str]:
        """Names and patterns of methods that some library calls on an instance which it is handed."""
        rows = self._tables.entry_points.rows
        return frozenset(name for row in rows for argument in row.callable for name in argument.instance_methods)

    @property
    def facts(self) -> Mapping[str, object]:
        """Tables that are no rows: default pools, accepted keywords, effects of session methods."""
        return self._tables.facts

    def canonical(self, fqn: str) -> str:
        """The canonical spelling of a dotted name; also of members of a class that is known by an alias."""
        return fold(self._tables.aliases, fqn)

    def bases(self, fqn: str) -> tuple[str, ...]:
        """All known base classes of a library class, nearest first, without itself."""
        return self._tables.bases.get(self.canonical(fqn), ())

    def knows(self, fqn: str) -> bool:
        """Whether any row speaks of this name."""
        tables = self._tables
        everything: tuple[Table[Any], ...] = (
            tables.types,
            tables.entry_points,
            tables.subclass,
            tables.engine_factories,
            tables.session_factories,
            tables.memoizers,
            tables.anti_memoizers,
            *tables.symbols.values(),
        )
        return any(name in table.numbers for name in self._spellings(fqn) for table in everything)

    def entry_points(self, fqn: str) -> tuple[EntryPoint, ...]:
        """Rows of the forms call, method, decorator, assign, append and statement for this name."""
        return self._all(self._tables.entry_points, fqn)

    def subclass_entry_points(self, base_fqn: str) -> tuple[EntryPoint, ...]:
        """Rows that say which methods of a class deriving from `base_fqn` the library calls; its bases' rows too."""
        name = self.canonical(base_fqn)
        table = self._tables.subclass
        return tuple(row for base in (name, *self._tables.bases.get(name, ())) for row in table.all(base))

    def named(self, predicate: Predicate) -> EntryPoint | None:
        """The row that gives a predicate its kind, frequency and context."""
        return _last(self._tables.named.all(predicate.value))

    def hook(self, predicate: Predicate) -> Symbol | None:
        """The fork or release hook that a predicate describes."""
        return _last(self._tables.hooks.all(predicate.value))

    def hints(self, method: str) -> tuple[ReceiverHint, ...]:
        """Hints for a method (or attribute) of this name on a receiver of unknown type."""
        return self._tables.hints.all(method)

    def memoizer(self, fqn: str) -> Memoizer | None:
        """The row of a decorator or wrapper that makes a factory run once (per key)."""
        return self._one(self._tables.memoizers, fqn)

    def anti_memoizer(self, fqn: str) -> AntiMemoizer | None:
        """The row of something that looks like a memoizer and is none for engines."""
        return self._one(self._tables.anti_memoizers, fqn)

    def engine_factory(self, fqn: str) -> EngineFactory | None:
        """The row of a call that makes an engine or a pool."""
        return self._one(self._tables.engine_factories, fqn)

    def factory_method(self, method: str) -> EngineFactory | None:
        """The factory whose method name nothing else uses: for a receiver of unknown type, medium confidence."""
        return _last(self._tables.factory_methods.all(method))

    def session_factory(self, fqn: str) -> SessionFactory | None:
        """The row of a call that makes a session, or something that makes sessions."""
        return self._one(self._tables.session_factories, fqn)

    def type_row(self, fqn: str) -> TypeRow | None:
        """What a call of this name gives, what `with` binds, which attributes have which type."""
        return self._one(self._tables.types, fqn)

    def handle_maker(self, fqn: str) -> HandleMaker | None:
        """The row of a call that makes a session or connection."""
        return self._one(self._tables.handle_makers, fqn)

    def handle(self, fqn: str) -> Handle | None:
        """What the methods of a session or connection class do."""
        return self._one(self._tables.handles, fqn)

    def slow_call(self, fqn: str) -> SlowCall | None:
        """The row of a call that waits for something outside: of the function, or of a client and this method."""
        row = self._one(self._tables.slow_calls, fqn)
        if row is not None:
            return None if row.methods else row
        name = self.canonical(fqn)
        owner, _, method = name.rpartition(".")
        for _ in range(_DEEPEST_CLIENT):
            for each in (owner, *self._tables.bases.get(owner, ())):
                row = _last(self._tables.slow_calls.all(each))
                if row is not None and row.methods:
                    waits = method in row.methods or ("*" in row.methods and method not in row.quiet)
                    return row if waits else None
            owner = owner.rpartition(".")[0]
        return None

    def streamer(self, fqn: str) -> Streamer | None:
        """The row of a response whose body is made while the client reads it."""
        return self._one(self._tables.streamers, fqn)

    @property
    def slow_names(self) -> frozenset[str]:
        """The last parts of the names of slow functions, and the names of slow methods."""
        table = self._tables.slow_calls
        functions = {
            name.rpartition(".")[2] for name, (number,) in table.numbers.items() if not table.rows[number].methods
        }
        return frozenset(functions.union(*(row.methods for row in table.rows)) - {"*"})

    @property
    def slow_clients(self) -> tuple[bytes, ...]:
        """The modules of clients of which nearly every method waits."""
        rows = self._tables.slow_calls.rows
        return tuple(sorted({row.fqn.partition(".")[0].encode() for row in rows if "*" in row.methods}))

    @property
    def slow_modules(self) -> frozenset[bytes]:
        """The packages of which much waits: a file that calls it by itself imports something from one of them."""
        roots = {name.partition(".")[0] for name in self._tables.slow_calls.numbers}
        return frozenset(map(str.encode, roots - _WITH_MUCH_ELSE))

    @property
    def slow_functions(self) -> frozenset[bytes]:
        """The functions that wait, of the modules of which little does."""
        names = (name.rpartition(".") for name in self._tables.slow_calls.numbers)
        return frozenset(last.encode() for module, _, last in names if module in _WITH_MUCH_ELSE)

    @property
    def streamer_names(self) -> frozenset[str]:
        """The last parts of the names of all streamers."""
        return frozenset(name.rpartition(".")[2] for name in self._tables.streamers.numbers)

    def pool_class(self, fqn: str) -> PoolClass | None:
        """The row of a pool class of SQLAlchemy."""
        return self._one(self._tables.pools, fqn)

    @property
    def pool_arguments(self) -> frozenset[str]:
        """The engine arguments that some pool class takes."""
        return frozenset(name for row in self._tables.pools.rows for name in row.accepts)

    def engine_driver(self, url: str) -> EngineDriver | None:
        """The row of a driver that is named in full, `postgresql+psycopg2`."""
        return _last(self._tables.engine_drivers.all(url))

    def default_drivers(self, dialect: str) -> tuple[EngineDriver, ...]:
        """The drivers that a dialect alone has meant in some version."""
        rows = self._tables.engine_drivers.rows
        named = (row for row in rows if dialect in (row.url.partition("+")[0], *row.dialects))
        return tuple(row for row in named if row.default_since)

    @property
    def default_pools(self) -> tuple[DefaultPool, ...]:
        """Which engines get another pool than a queue when nobody chooses one."""
        return self._tables.default_pools

    def engine_option(self, name: str) -> EngineOption | None:
        """The row of a keyword that create_engine() refuses."""
        return _last(self._tables.engine_options.all(name))

    def driver_pool(self, fqn: str) -> DriverPool | None:
        """The row of a pool that is not SQLAlchemy's."""
        return self._one(self._tables.driver_pools, fqn)

    def release_hook(self, fqn: str) -> Symbol | None:
        """A place where closing counts as releasing what the scope owns."""
        return self._symbol("release_hooks", fqn)

    def fork_hook_child(self, fqn: str) -> Symbol | None:
        """A way to run code in a forked child before anything else."""
        return self._symbol("fork_hooks_child", fqn)

    def fork_hook_parent(self, fqn: str) -> Symbol | None:
        """A way to run code in the parent before it forks."""
        return self._symbol("fork_hooks_parent_before", fqn)

    def borrower(self, fqn: str) -> Symbol | None:
        """A call that takes an engine and neither keeps nor disposes of it, unless `wraps` is set."""
        return self._symbol("engine_borrowers", fqn)

    def borrowing_method(self, method: str) -> Symbol | None:
        """The borrower whose method name nothing else uses (`to_sql`): for a receiver of unknown type."""
        return _last(self._tables.borrowing_methods.all(method))

    def self_disposing(self, fqn: str) -> Symbol | None:
        """A call that makes an engine of its own and disposes of it."""
        return self._symbol("self_disposing", fqn)

    def connection_acquirer(self, fqn: str) -> Symbol | None:
        """A call that checks a connection out of a pool."""
        return self._symbol("connection_acquirers", fqn)

    def is_dispose(self, fqn: str) -> bool:
        """Whether this is the dispose() of an engine."""
        return self._symbol("dispose", fqn) is not None

    def is_transparent(self, fqn: str) -> bool:
        """Whether a function decorated with this still runs as often as its callers say."""
        return self.canonical(fqn) in self._tables.transparent

    def is_same_engine(self, fqn: str) -> bool:
        """Whether the result of this call or attribute is an engine on the same pool, or no engine at all."""
        return any(name in self._tables.same_engine for name in self._spellings(fqn))

    def is_session_proxy(self, fqn: str) -> bool:
        """Whether this attribute is a session that the framework owns."""
        return any(name in self._tables.session_proxies for name in self._spellings(fqn))

    def _symbol(self, section: str, fqn: str) -> Symbol | None:
        return self._one(self._tables.symbols[section], fqn)

    def _one(self, table: Table[_Row], fqn: str) -> _Row | None:
        return _last(self._all(table, fqn))

    def _all(self, table: Table[_Row], fqn: str) -> tuple[_Row, ...]:
        return next((table.all(name) for name in self._spellings(fqn) if name in table.numbers), ())

    def _spellings(self, fqn: str) -> Iterator[str]:
        """The canonical name, then the same member of each base class, canonical too."""
        name = self.canonical(fqn)
        yield name
        owner, _, member = name.rpartition(".")
        for base in self._tables.bases.get(owner, ()):
            yield self.canonical(f"{base}.{member}")


def _last(rows: tuple[_Row, ...]) -> _Row | None:
    return rows[-1] if rows else None
