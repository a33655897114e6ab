"""The rows about pools: which class takes which argument, which driver gets which pool, names that are no argument."""

from __future__ import annotations

import msgspec

from poollint.library.words import Loop


class PoolClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A pool class of SQLAlchemy. `accepts`: the engine arguments that it takes beyond those of every pool.

    `loop`: the engines that it works with. `single`: all users get one connection, or one for each thread. `removed`:
    the first version without it.
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    loop: Loop = Loop.BOTH
    single: bool = False
    removed: str = ""
    unverified: bool = False


class EngineDriver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A driver, as URLs name it: `dialect+driver`.

    `dialects`: further dialects that have it. `default_since` and `default_below`: the versions in which it is what the
    dialect alone means ("0" is every version).
    """

    url: str
    dialects: tuple[str, ...] = ()
    loop: Loop = Loop.SYNC
    default_since: str = ""
    default_below: str = ""


class DefaultPool(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The pool that an engine gets when nobody chooses one, where that is not a queue.

    `storage`: "file" or "memory". `since` and `below`: the versions in which it is so.
    """

    driver: str
    storage: str
    pool: str
    since: str = ""
    below: str = ""


class EngineOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A keyword that create_engine() refuses. `removed`: the first version that does so ("" is every version).

    `instead`: what is meant. `everywhere`: no dialect is known that takes it.
    """

    name: str
    instead: str = ""
    removed: str = ""
    everywhere: bool = False


class DriverPool(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A pool of connections that is not SQLAlchemy's. `lends`: its methods that hand out a pooled connection."""

    fqn: str
    lends: tuple[str, ...]
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    unverified: bool = False
