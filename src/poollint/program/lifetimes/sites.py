"""What the lifetimes layer knows of one session or connection: all that a rule about them reads."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from poollint.program.lifetimes.observations import Escape
    from poollint.program.sites import Frequency, Span


class Readers(str, Enum):
    """Who reads the result of a function."""

    KNOWN = "a caller uses it"
    UNKNOWN = "no caller is known"
    NONE = "all known callers drop it"


class Leak(Struct, frozen=True):
    """A way out of the function on which the connection stays out of the pool.

    `how`: "raise", "return", "end", "lost" (nothing names the handle any more) or "kept" (by an object
    that is dropped). `line` is where control leaves, or the line that raises.
    """

    how: str
    line: int


class HandleSite(Struct, frozen=True):
    """One call that makes a session or connection, and what becomes of it in the function that makes it.

    `kind`: session, connection or raw_connection. `factory` is the canonical dotted name of what is called, `spelled`
    the call as written. `name` is the variable that holds it ("" for none). `context`: leaving its `with` commits and
    closes. `entered`: a `with` block enters what the call returns. `leaks` are the ways out on which nothing gives the
    connection back, the first one first; `releases` tells whether anything does on another way.
    """

    span: Span
    chunk_line: int
    kind: str
    factory: str
    spelled: str
    symbol: str
    frequency: Frequency
    name: str = ""
    is_async: bool = False
    context: bool = False
    registry: bool = False
    refcounted: bool = False
    chained: bool = False
    entered: bool = False
    leaks: tuple[Leak, ...] = ()
    takes: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    commits: tuple[int, ...] = ()
    rollbacks: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()
    escapes: frozenset[Escape] = field(default_factory=frozenset)
    used_after_close: tuple[Span, ...] = ()
    through: tuple[Span, ...] = ()
    in_test: bool = False
    in_migration: bool = False
    one_shot_script: bool = False
    at_module_level: bool = False
    hinted: bool = False
    """The statements that run on it tell what it is, not the type of what made it."""
    exit_method: bool = False
    """Not made here: an exit method ends it. `span` is the call that skips the close, `spelled` what holds it."""
    autocommit: bool = False
    forgotten: bool = False
    """What was noted on it is taken back by expunge() or the like."""
    schema_only: bool = False
    """Everything that it writes is CREATE, ALTER and the like."""
    shared: str = ""
    """"module", "class" or "default argument" where one object serves everybody who comes by."""
    kept_by_object: bool = False
    """An object keeps it, and neither its class nor who makes the object closes it."""
    script: bool = False
    """A shared one of a module that also runs as a program, or uses it while it is imported."""
    unread_results: tuple[Span, ...] = ()
    """What is returned and still has to be read from the handle, which is closed by then."""
    readers: Readers = Readers.UNKNOWN
    """What the callers do with such a result."""
    generator: str = ""
    """"context manager", "dependency", "fixture" or "generator" when the function yields the handle."""
    yields: tuple[int, ...] = ()
    """The lines at which a generator waits for its consumer."""

    proxy: bool = False
    """A registry stands for it, or gives it."""
    certain: bool = True
    """The call gives a session or connection whatever path its maker takes."""
    plain: tuple[Span, ...] = ()
    """The calls on it, or with it, whose results hold no objects of the session."""
    own_calls: tuple[Span, ...] = ()
    """The calls that give it to functions of the program."""

    @property
    def releases(self) -> bool:
        """Something gives the connection back on some path."""
        return bool(self.commits or self.rollbacks or self.closes)
