"""What the program layer knows of the pool of one engine: all that a rule about pools reads."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistryUse
    from poollint.program.sites import EngineSite, Span


class Storage(str, Enum):
    """Where the database lives. MODE_MEMORY: SQLite in memory because the URL says `mode=memory`."""

    SERVER = "server"
    FILE = "file"
    MEMORY = "memory"
    MODE_MEMORY = "mode=memory"
    UNKNOWN = "unknown"


class FaultKind(str, Enum):
    """Why create_engine(), or the first use of what it makes, raises."""

    REFUSED = "the pool class has no such argument"
    NO_ARGUMENT = "create_engine() has no such argument"
    ONLY_TRUE = "the argument can only be True"
    NO_CLASS = "poolclass is not a class"
    NO_POOL = "pool is not a pool"
    NO_CREATOR = "a pool is made without a creator"
    FINISHED_POOL = "a finished pool takes no arguments"
    WRONG_LOOP = "the pool class is made for the other kind of engine"
    WRONG_DRIVER = "the driver is made for the other kind of engine"
    REMOVED_CLASS = "the pool class does not exist any more"
    TEXT = "a number is given as text"


class Fault(Struct, frozen=True):
    """One reason. `subject` is the pool class or driver, `names` the arguments, `instead` what is meant.

    `chosen`: the source names the pool class or driver; otherwise the URL decides. `by_version`: other versions of
    SQLAlchemy accept it.
    """

    kind: FaultKind
    subject: str = ""
    names: tuple[str, ...] = ()
    instead: str = ""
    chosen: bool = True
    by_version: bool = False


class PoolSite(Struct, frozen=True):
    """One engine of SQLAlchemy's own factories. `pool` is the class that it gets ("" where that is not certain).

    `chosen`: an argument chooses the pool. `open_ended`: some keyword arguments are not spelled out. `single`: the pool
    has one connection for all, or for each thread. `in_branch`: a condition decides whether the call is made.
    `external`: something in the program speaks of a pooler between it and the server. `lender`: the method of a
    driver's pool that its connections come from. `uses`: the functions whose sessions and connections stand on the
    engine; only for a NullPool and a single connection.
    """

    engine: EngineSite
    pool: str = ""
    chosen: bool = False
    storage: Storage = Storage.UNKNOWN
    open_ended: bool = False
    single: bool = False
    in_branch: bool = False
    external: bool = False
    lender: str = ""
    faults: tuple[Fault, ...] = ()
    uses: tuple[RegistryUse, ...] = ()

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.engine.span

    @property
    def symbol(self) -> str:
        """What holds the call."""
        return self.engine.symbol
