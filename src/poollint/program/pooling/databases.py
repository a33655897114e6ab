"""What a URL says: the driver, where the database lives, and the pool that SQLAlchemy chooses for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.program.pooling.sites import Storage

if TYPE_CHECKING:
    from poollint.library.loader import Library
    from poollint.library.pooling import EngineDriver
    from poollint.program.versions import Version

_BEGINNING = re.compile(r"(\w+)(?:\+(\w+))?://")
_SQLITE = re.compile(r"\w+(?:\+\w+)?://(?:/(?P<file>[^?]*))?(?:\?(?P<query>.*))?\Z", re.DOTALL)
_QUEUES = {False: "sqlalchemy.pool.QueuePool", True: "sqlalchemy.pool.AsyncAdaptedQueuePool"}


class Database(Struct, frozen=True):
    """A driver of SQLAlchemy's own (None for others, and where the version decides), and where the database lives."""

    driver: EngineDriver | None = None
    storage: Storage = Storage.UNKNOWN
    named: bool = False
    """The URL names the driver; otherwise the version decides what the dialect alone means."""


UNKNOWN = Database()


def database(library: Library, version: Version, url: str, complete: bool) -> Database:
    """What is known from a URL, or (not `complete`) from its constant beginning."""
    match = _BEGINNING.match(url)
    if match is None:
        return UNKNOWN
    dialect, name = match[1], match[2]
    driver = library.engine_driver(f"{dialect}+{name}") if name else _default_driver(library, version, dialect)
    storage = Storage.SERVER if dialect != "sqlite" else _sqlite_storage(url) if complete else Storage.UNKNOWN
    return Database(driver, storage, bool(name))


def default_pool(library: Library, version: Version, of: Database, is_async: bool) -> str:
    """The pool class that an engine gets when nobody chooses one; "" where that is not certain."""
    if of.driver is None or of.storage is Storage.UNKNOWN:
        return ""
    storage = "memory" if of.storage is Storage.MODE_MEMORY else of.storage.value
    for row in library.default_pools:
        if row.driver == of.driver.url and row.storage == storage:
            if not row.below or version.below(*numbers(row.below)):
                return row.pool
            if not version.at_least(*numbers(row.below)):
                return ""
    return _QUEUES[is_async]


def numbers(text: str) -> tuple[int, ...]:
    """A version of a row: "2.0.38" as (2, 0, 38)."""
    return tuple(map(int, text.split(".")))


def _default_driver(library: Library, version: Version, dialect: str) -> EngineDriver | None:
    """What the dialect alone means in this version."""
    for row in library.default_drivers(dialect):
        since, below = row.default_since, row.default_below
        if version.at_least(*numbers(since)) and (not below or version.below(*numbers(below))):
            return row
    return None


def _sqlite_storage(url: str) -> Storage:
    """As `_is_url_file_db` of SQLAlchemy's dialect decides: `:memory:` is the whole name, not a part of it."""
    match = _SQLITE.match(url)
    if match is None:
        return Storage.UNKNOWN
    if "mode=memory" in (match["query"] or "").split("&"):
        return Storage.MODE_MEMORY
    return Storage.MEMORY if match["file"] in (None, "", ":memory:") else Storage.FILE
