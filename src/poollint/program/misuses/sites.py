"""What the program layer knows of one wrong use: all that a rule about it reads."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.program.sites import Span, Step


class MisuseKind(str, Enum):
    """What is wrong."""

    SWALLOWED = "an error is swallowed and the session goes on without a rollback"
    USED_IN_HANDLER = "the handler of a failed transaction uses the session without a rollback"
    NOT_AWAITED = "a coroutine that releases is not awaited"
    CROSSES_THREADS = "a session or connection is shared with threads or tasks"
    BACKGROUND = "a dependency's session is given to work that outlives the request"
    DEPENDENCY = "a dependency returns a session that nothing closes"
    BOUND_TO_CONNECTION = "a session or sessionmaker is bound to a connection that nothing closes"
    BEGIN_WITHOUT_WITH = "engine.begin() without with"
    SESSION_CONNECTION_CLOSED = "the connection of a session is closed under it"
    DRIVER_STATE = "the state of a pooled driver connection is changed"
    CONTEXT_PUSHED = "an application context is pushed and never popped"
    REOPENED = "an object is read after the commit, and the connection is out again"
    WRONG_BIND = "a session is given an engine of the other kind, sync or async"
    NEVER_COMMITTED = "a request adds to the framework's session and nothing commits"


class Misuse(Struct, frozen=True):
    """One wrong use. `spelled` is what is misused as written ("session", "session.close"), `detail` a word that the
    rule's message needs, `group` the acquisition that the finding competes for (the use itself for None).

    `grave`: it hurts more than elsewhere: at module level, in a factory, in a thread. `after_response`: the framework
    runs the background work itself, when it has sent the response.
    """

    kind: MisuseKind
    span: Span
    symbol: str
    spelled: str
    detail: str = ""
    related: tuple[Step, ...] = ()
    grave: bool = False
    certain: bool = True
    after_response: bool = False
    in_test: bool = False
    in_migration: bool = False
    group: Span | None = None
    names: tuple[tuple[str, str], ...] = ()
    """What a fix asks for, by role."""
