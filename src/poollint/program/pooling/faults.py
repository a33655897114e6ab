"""POL309: what create_engine() refuses, judged only by what is literally given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.library.words import Loop
from poollint.program.expressions import is_none
from poollint.program.loops import ancestors
from poollint.program.pooling.databases import numbers
from poollint.program.pooling.sites import Fault, FaultKind
from poollint.program.pooling.text_numbers import NUMBERS, TextNumber, text_number
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.pooling import EngineOption, PoolClass
    from poollint.program.names import Resolver
    from poollint.program.pooling.certain import Certain
    from poollint.program.pooling.databases import Database
    from poollint.program.versions import Version

_CHOOSING = frozenset({"poolclass", "creator"})
_BASE = "sqlalchemy.pool.Pool"
_OTHER_LOOP = {Loop.SYNC: True, Loop.ASYNC: False}
"""The kind of engine (async or not) that a class or driver for one loop does not work with."""


class EngineCall(Struct, frozen=True):
    """One call of create_engine() or create_async_engine(), as far as it is certain. `pool` is the class it gets."""

    path: str
    call: model.Call
    is_async: bool
    keywords: dict[str, model.Expr]
    database: Database
    pool: str


class Faults:
    """Compares a call with the rows about pools, drivers and arguments."""

    def __init__(self, resolver: Resolver, certain: Certain, version: Version) -> None:
        self._resolver = resolver
        self._library = resolver.library
        self._certain = certain
        self._version = version

    def of(self, made: EngineCall) -> tuple[Fault, ...]:
        """Everything that is wrong with the call, what is wrong with its pool first."""
        if self._is_expected(made):
            return ()
        found = (*self._of_pool(made), *self._of_arguments(made), *self._of_driver(made))
        may_depend = not is_in_branch(self._resolver.scope(made.path, made.call.scope), made.call)
        return tuple(fault for fault in found if may_depend or not fault.by_version)

    # ---------------------------------------------------------------------------------------------- the pool
    def _of_pool(self, made: EngineCall) -> Iterator[Fault]:
        pool = made.keywords.get("pool")
        if pool is not None and not is_none(pool):
            yield from self._of_finished_pool(made, pool)
            return
        chosen = made.keywords.get("poolclass")
        if chosen is not None and not is_none(chosen):
            yield from self._of_chosen_class(made, chosen)
        elif made.pool:
            refused = self._refused(made, made.pool)
            if refused:
                subject = made.pool.rpartition(".")[2]
                by_version = subject == "NullPool"  # SQLite files: only old versions give them this pool.
                yield Fault(FaultKind.REFUSED, subject, refused, chosen=False, by_version=by_version)

    def _of_finished_pool(self, made: EngineCall, given: model.Expr) -> Iterator[Fault]:
        value = self._certain.value(made.path, made.call.scope, given)
        if isinstance(given, model.Const) and isinstance(given.value, str):
            yield Fault(FaultKind.NO_POOL, repr(given.value))
        elif isinstance(value, External) and (row := self._pool_class(value.fqn)) is not None:
            yield Fault(FaultKind.NO_POOL, _name(row), instead="poolclass")
        elif isinstance(value, ExternalInstance) and (row := self._pool_class(value.fqn)) is not None:
            if self._lacks_creator(made, given):
                yield Fault(FaultKind.NO_CREATOR, _name(row))
            refused = self._known_to_pools(made) | (_CHOOSING & made.keywords.keys())
            if refused:
                yield Fault(FaultKind.FINISHED_POOL, _name(row), tuple(sorted(refused)))

    def _of_chosen_class(self, made: EngineCall, given: model.Expr) -> Iterator[Fault]:
        value = self._certain.value(made.path, made.call.scope, given)
        if isinstance(given, model.Const) and isinstance(given.value, str):
            yield Fault(FaultKind.NO_CLASS, repr(given.value))
            return
        if isinstance(value, ExternalInstance) and (row := self._pool_class(value.fqn)) is not None:
            yield Fault(FaultKind.NO_CLASS, f"{_name(row)}()")
            return
        row = self._pool_class(value.fqn) if isinstance(value, External) else None
        if row is None:
            return
        if row.removed and self._version.at_least(*numbers(row.removed)):
            yield Fault(FaultKind.REMOVED_CLASS, _name(row), (row.removed,), "AsyncAdaptedQueuePool", by_version=True)
        elif self._version.at_least(2, 0) and self._is_for_the_other_loop(row, made):
            yield Fault(FaultKind.WRONG_LOOP, _name(row), by_version=True)
        refused = self._refused(made, row.fqn)
        if refused:
            yield Fault(FaultKind.REFUSED, _name(row), refused)

    def _is_for_the_other_loop(self, row: PoolClass, made: EngineCall) -> bool:
        if _OTHER_LOOP.get(row.loop) is not made.is_async:
            return False
        driver = made.database.driver
        if made.is_async:
            return True
        return driver.loop is not Loop.ASYNC if driver is not None else not self._may_be_wrapped()

    def _refused(self, made: EngineCall, pool: str) -> tuple[str, ...]:
        """The sizes among the keywords that the class does not take."""
        row = self._library.pool_class(pool)
        accepted = frozenset(row.accepts) if row is not None else frozenset()
        base = self._library.pool_class(_BASE)
        sizes = self._library.pool_arguments - frozenset(base.accepts if base is not None else ())
        return tuple(name for name in made.keywords if name in sizes - accepted)

    def _known_to_pools(self, made: EngineCall) -> frozenset[str]:
        return self._library.pool_arguments & made.keywords.keys()

    def _pool_class(self, fqn: str) -> PoolClass | None:
        return self._library.pool_class(fqn)

    def _lacks_creator(self, made: EngineCall, given: model.Expr) -> bool:
        """`pool=QueuePool(pool_size=5)`, written here."""
        expr = self._certain.behind(made.path, made.call.scope, given)
        if not isinstance(expr, model.CallRef):
            return False
        call = self._resolver.call(made.path, expr.index)
        return not call.args and not any(name in (None, "creator") for name, _ in call.keywords)

    # ---------------------------------------------------------------------------------------------- other arguments
    def _of_arguments(self, made: EngineCall) -> Iterator[Fault]:
        if "plugins" in made.keywords or self._has_own_pool(made):
            return
        for name in made.keywords:
            row = self._library.engine_option(name)
            if row is not None and self._refuses(row, made):
                yield Fault(FaultKind.NO_ARGUMENT, names=(name,), instead=row.instead, by_version=bool(row.removed))
        future = made.keywords.get("future")
        if isinstance(future, model.Const) and future.value is False and self._version.at_least(2, 0):
            yield Fault(FaultKind.ONLY_TRUE, names=("future",), by_version=True)
        if not made.keywords.keys() & {"pool", "creator"}:
            yield from self._of_text_numbers(made)

    def _of_text_numbers(self, made: EngineCall) -> Iterator[Fault]:
        for name in NUMBERS:
            given = made.keywords.get(name)
            if given is not None:
                text = text_number(self._resolver, self._certain, made.path, made.call.scope, given)
                if text is not None:
                    yield Fault(FaultKind.TEXT, text.value, (name,), chosen=text is not TextNumber.OPTIONAL)

    def _refuses(self, row: EngineOption, made: EngineCall) -> bool:
        if row.removed and not self._version.at_least(*numbers(row.removed)):
            return False
        return row.everywhere or made.database.driver is not None

    def _has_own_pool(self, made: EngineCall) -> bool:
        """A pool class that is not SQLAlchemy's may take arguments of its own."""
        given = made.keywords.get("poolclass")
        if given is None or is_none(given):
            return False
        value = self._certain.value(made.path, made.call.scope, given)
        return not isinstance(value, External) or self._pool_class(value.fqn) is None

    # ---------------------------------------------------------------------------------------------- the driver
    def _of_driver(self, made: EngineCall) -> Iterator[Fault]:
        driver = made.database.driver
        if driver is None or _OTHER_LOOP.get(driver.loop) is not made.is_async or "module" in made.keywords:
            return
        if made.is_async or not self._may_be_wrapped():
            named = made.database.named
            by_version = bool(driver.default_below) and not named
            name = driver.url.partition("+")[2]
            yield Fault(FaultKind.WRONG_DRIVER, name, chosen=named, by_version=by_version)

    def _may_be_wrapped(self) -> bool:
        """`AsyncEngine(create_engine(url))` is what makes an engine with an async driver usable."""
        return self._resolver.project.holds((b"AsyncEngine(", b"greenlet_spawn"))

    # ---------------------------------------------------------------------------------------------- exemptions
    def _is_expected(self, made: EngineCall) -> bool:
        """A `try` around the call catches what create_engine() raises."""
        scope = self._resolver.scope(made.path, made.call.scope)
        tries = {scope.blocks[b].group for b in ancestors(scope, made.call.block) if scope.blocks[b].kind == "try"}
        caught = (block.test for block in scope.blocks if block.kind == "except" and block.group in tries)
        return any(_names_type_error(test) for test in caught if test is not None)


def is_in_branch(scope: model.Scope, call: model.Call) -> bool:
    """A condition around the call may ask for the version, or for the kind of database."""
    kinds = {scope.blocks[block].kind for block in ancestors(scope, call.block)}
    value = scope.ops[call.op].value if call.op >= 0 else None
    return bool(kinds & {"if", "else", "try", "except", "case"}) or isinstance(value, model.Conditional)


def _names_type_error(test: model.Expr) -> bool:
    if isinstance(test, model.Items):
        return any(_names_type_error(item) for item in test.items)
    name = test.attr if isinstance(test, model.Attr) else test.id if isinstance(test, model.Name) else ""
    return name in ("TypeError", "ArgumentError", "InvalidRequestError", "SQLAlchemyError")


def _name(row: PoolClass) -> str:
    return row.fqn.rpartition(".")[2]
