"""The rows about pools, drivers and arguments say what the installed SQLAlchemy does: each row is run.

No driver is needed: a stand-in takes the place of its module, and no engine connects.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest
import sqlalchemy
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.ext.asyncio import create_async_engine

from poollint.library.loader import Library, load_library
from poollint.library.words import Loop
from poollint.program.pooling.databases import database, default_pool, numbers
from poollint.program.versions import Version

if TYPE_CHECKING:
    from poollint.library.pooling import EngineDriver, EngineOption, PoolClass

LIBRARY = load_library()
TABLES = LIBRARY._tables  # The rows themselves, each once.
NUMBERS = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3] if part.isdigit())
VERSION = Version(NUMBERS)
BASE = LIBRARY.pool_class("sqlalchemy.pool.Pool")
POOLS = [row for row in TABLES.pools.rows if row is not BASE]
VALUES = {
    "pool_size": 1,
    "max_overflow": 1,
    "pool_timeout": 1,
    "pool_use_lifo": True,
    "pool_recycle": 1,
    "pool_pre_ping": True,
    "pool_reset_on_return": None,
    "echo_pool": True,
    "pool_logging_name": "name",
    "pool_events": [],
}
URLS = [
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:///:memory:?cache=shared",
    "sqlite+pysqlite:///file.db",
    "sqlite:////tmp/file.db",
    "sqlite:///file:a?mode=memory&cache=shared&uri=true",
    "sqlite:///file::memory:?cache=shared&uri=true",
    "sqlite:///file:a.db?uri=true",
    "sqlite+aiosqlite://",
    "sqlite+aiosqlite:///:memory:",
    "sqlite+aiosqlite:///file.db",
    "sqlite+aiosqlite:///file:a?mode=memory&uri=true",
    "mysql+mysqldb://a@b/c",
    "postgresql+asyncpg://a@b/c",
    "mssql+pymssql://a@b/c",
]


def exists(row: PoolClass) -> bool:
    return not row.removed or numbers(row.removed) > NUMBERS


def pool_class(row: PoolClass) -> Any:
    return getattr(sqlalchemy.pool, row.fqn.rpartition(".")[2])


def made(url: str, **arguments: Any) -> Any:
    """The engine, by the function that fits its driver."""
    driver = database(LIBRARY, VERSION, url, complete=True).driver
    make = create_async_engine if driver is not None and driver.loop is Loop.ASYNC else create_engine
    return make(url, module=stand_in(), **arguments)


def stand_in() -> MagicMock:
    """A module in the place of a driver's."""
    return MagicMock(sqlite_version_info=(3, 40, 0), version_info=(9, 0, 0), __version__="9.0.0", paramstyle="qmark")


def test_every_argument_has_a_value_here() -> None:
    assert set(VALUES) == LIBRARY.pool_arguments


@pytest.mark.parametrize("row", [row for row in POOLS if exists(row)], ids=lambda row: row.fqn.rpartition(".")[2])
@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_pool_takes_what_its_row_says_and_nothing_else(row: PoolClass, name: str) -> None:
    assert BASE is not None
    url = "sqlite+aiosqlite:///file.db" if row.loop is Loop.ASYNC else "sqlite:///file.db"
    if name in row.accepts or name in BASE.accepts:
        made(url, poolclass=pool_class(row), **{name: VALUES[name]})
    else:
        with pytest.raises(TypeError, match=name):
            made(url, poolclass=pool_class(row), **{name: VALUES[name]})


@pytest.mark.parametrize("row", POOLS, ids=lambda row: row.fqn.rpartition(".")[2])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_pool_works_with_the_engines_that_its_row_names(row: PoolClass, is_async: bool) -> None:
    if not exists(row):
        assert not hasattr(sqlalchemy.pool, row.fqn.rpartition(".")[2])
        return
    url = "sqlite+aiosqlite:///file.db" if is_async else "sqlite:///file.db"
    fits = row.loop is Loop.BOTH or (row.loop is Loop.ASYNC) is is_async
    if fits or NUMBERS < (2, 0):
        made(url, poolclass=pool_class(row))
    else:
        with pytest.raises(ArgumentError, match="cannot be used with"):
            made(url, poolclass=pool_class(row))


@pytest.mark.parametrize("name", [*sorted(VALUES), "poolclass", "creator"])
def test_a_finished_pool_takes_no_argument(name: str) -> None:
    pool = sqlalchemy.pool.NullPool(lambda: None)
    with pytest.raises(TypeError, match=name):
        create_engine("sqlite://", pool=pool, **{name: VALUES.get(name, MagicMock())})


@pytest.mark.parametrize("url", URLS)
def test_the_default_pool_is_the_one_that_the_rows_give(url: str) -> None:
    of = database(LIBRARY, VERSION, url, complete=True)
    assert of.driver is not None
    expected = default_pool(LIBRARY, VERSION, of, of.driver.loop is Loop.ASYNC)
    assert f"sqlalchemy.pool.{type(made(url).pool).__name__}" == expected


@pytest.mark.parametrize("row", TABLES.engine_drivers.rows, ids=lambda row: row.url)
def test_a_driver_is_for_the_engines_that_its_row_names(row: EngineDriver) -> None:
    for name in (row.url, *(f"{each}+{row.url.partition('+')[2]}" for each in row.dialects)):
        url = make_url(f"{name}://a@b/c")
        try:
            sync = url.get_dialect()
        except sqlalchemy.exc.NoSuchModuleError:
            continue
        entry = url._get_entrypoint()
        asynchronous = getattr(entry, "get_async_dialect_cls", entry.get_dialect_cls)(url)  # 1.4 has no async forms
        assert sync.is_async is (row.loop is Loop.ASYNC), name
        assert asynchronous.is_async is (row.loop is not Loop.SYNC), name


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql"])
def test_a_dialect_alone_means_the_driver_of_its_row(dialect: str) -> None:
    driver = database(LIBRARY, VERSION, f"{dialect}://a@b/c", complete=True).driver
    assert driver is not None
    assert make_url(f"{dialect}://a@b/c").get_dialect().driver == driver.url.partition("+")[2]


@pytest.mark.parametrize("row", TABLES.engine_options.rows, ids=lambda row: row.name)
@pytest.mark.parametrize("url", ["sqlite://", "mysql+mysqldb://a@b/c", "mssql+pymssql://a@b/c"])
def test_a_name_is_refused_from_its_version_on(row: EngineOption, url: str) -> None:
    if row.removed and numbers(row.removed) > NUMBERS:
        made(url, **{row.name: "utf8"})
    else:
        with pytest.raises((TypeError, ArgumentError), match=row.name):
            made(url, **{row.name: "utf8"})


def test_forms_that_raise_whatever_the_row() -> None:
    null = sqlalchemy.pool.NullPool
    for arguments in ({"poolclass": "NullPool"}, {"poolclass": null(lambda: None)}, {"pool": "NullPool"}):
        with pytest.raises(AttributeError):
            create_engine("sqlite://", **arguments)
    with pytest.raises(TypeError):
        create_engine("sqlite://", pool=null).connect()
    with pytest.raises(TypeError, match="creator"):
        sqlalchemy.pool.QueuePool(pool_size=5)
    with pytest.raises(InvalidRequestError, match="async driver"):
        create_async_engine("sqlite://")
    if NUMBERS >= (2, 0):
        with pytest.raises(ArgumentError, match="future"):
            create_engine("sqlite://", future=False)


def test_an_async_driver_in_a_sync_engine_fails_when_it_connects() -> None:
    pytest.importorskip("aiosqlite")
    engine = create_engine("sqlite+aiosqlite://")
    with pytest.raises(Exception, match="greenlet_spawn"):
        engine.connect()


def test_sessions_on_an_engine_of_the_other_kind_fail() -> None:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    with pytest.raises(ArgumentError, match="AsyncEngine expected"):
        AsyncSession(create_engine("sqlite://"))

    async def statement() -> None:
        Session(create_async_engine("sqlite+aiosqlite://", module=stand_in())).execute(sqlalchemy.text("select 1"))

    with pytest.raises(Exception, match="has not been started"):
        asyncio.run(statement())


def test_the_library_answers_by_alias() -> None:
    assert isinstance(LIBRARY, Library)
    row = LIBRARY.pool_class("sqlalchemy.pool.impl.NullPool")
    assert row is not None and row.fqn == "sqlalchemy.pool.NullPool"
