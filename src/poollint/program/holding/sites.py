"""A place where a session or connection is held for longer than it is needed: what POL212, POL213 and POL214 read."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.program.sites import Frequency, Span, Step


class HeldBy(str, Enum):
    """What takes so long."""

    SLOW_CALL = "slow call"
    STREAM = "streaming response"
    GENERATOR = "generator"
    LOOP = "endless loop"


class HeldSite(Struct, frozen=True):
    """One place at which a connection stays out of the pool for nothing.

    `span` is the slow call, the call that makes the response, the `yield`, or (LOOP) the call that makes the session.
    `frequency` is that of the function around it. `spelled` is the call as written, `waits_for` the library's function
    behind it, where that is another one. `holder` says what is held, as in the source: "SessionLocal()", "db",
    "db.session". `since` is the line of the statement that took the connection (0: another function did). `steps` lead
    from the statement to what takes so long. `streamed`: the generator is the body of a response. `by_dependency`: a
    dependency of FastAPI owns the session, and the body of the STREAM runs nothing on it.
    """

    span: Span
    chunk_line: int
    symbol: str
    frequency: Frequency
    how: HeldBy
    spelled: str
    holder: str
    waits_for: str = ""
    since: int = 0
    steps: tuple[Step, ...] = ()
    streamed: bool = False
    by_dependency: bool = False
    acquired: Span | None = None
    """The call that makes the session, where it is in the same function."""
    in_test: bool = False
    in_migration: bool = False
    one_shot_script: bool = False
