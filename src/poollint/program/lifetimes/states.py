"""The state of one handle (a session or a connection) on one path."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from poollint.program.lifetimes.conditions import NO_FACTS, Facts


class Phase(IntEnum):
    """Where in its life a handle is. HELD is the only one in which a connection is out of the pool.

    ABSENT: not made on this path. OPEN: made, no statement yet. IDLE: committed or rolled back since the last
    statement. CLOSED: closed. GONE: handed to something that is trusted with it. LOST: nothing names it any more while
    a connection is out.
    """

    ABSENT = 0
    OPEN = 1
    HELD = 2
    IDLE = 3
    CLOSED = 4
    GONE = 5
    LOST = 6


class State(NamedTuple):
    """`names` are the variables that hold the handle; `written` says that a change waits for its commit.

    `managed`: a `with` block around this place closes it, whatever becomes of the variables.
    """

    phase: Phase
    written: bool = False
    names: frozenset[str] = frozenset()
    facts: Facts = NO_FACTS
    managed: bool = False

    @property
    def alive(self) -> bool:
        """The handle exists, and this path still has to do with it."""
        return self.phase in (Phase.OPEN, Phase.HELD, Phase.IDLE)


LEAKING = frozenset({Phase.HELD, Phase.LOST})
"""At an exit these phases leave a connection to the garbage collector."""
