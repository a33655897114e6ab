"""What the reasoning layer knows about one acquisition site: the only thing a rule about engines reads.

A rule never resolves a name or walks the call graph; it looks at an `EngineSite` and decides.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from poollint.program.lifetimes.registry_sites import KeptSites
from poollint.program.versions import UNDECLARED, Versions

if TYPE_CHECKING:
    from poollint.program.holding.sites import HeldSite
    from poollint.program.lifetimes.sites import HandleSite, Leak
    from poollint.program.misuses.sites import Misuse
    from poollint.program.pooling.sites import PoolSite


class Span(Struct, frozen=True, order=True):
    """A place in a file of the program. Lines from 1; columns from 0 in UTF-8 bytes, as `ast` counts them."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Step(Struct, frozen=True):
    """One step of a witness chain, in words that stand alone: "worker() is the callback of add_done_callback()"."""

    span: Span
    text: str


class Times(IntEnum):
    """How often a piece of code runs in one process. The join of callers is the maximum."""

    NEVER = 0
    ONCE = 1
    PER_PROCESS = 2
    PER_KEY = 3
    PER_THREAD = 4
    MANY = 5


class Confidence(IntEnum):
    """How sure the evidence is: a receiver hint gives LOW, a method name that nothing else uses MEDIUM."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


class Frequency(Struct, frozen=True):
    """How often a function (or a site) runs, and the shortest chain that proves it.

    `known` is False when no caller and no entry point was resolved; then `times` says nothing. `unit` is what it
    runs once per ("request", "callback", "task", "item", "call of f()"), `entry` a short phrase for the entry point
    ("registered at main.py:14", "looped over at jobs.py:30"). `chain` starts at the entry point and ends at the
    function that holds the site. `more` counts further chains. `contexts` are the entry kinds met on the way
    ("thread", "request", "callback", "task", "job", "process", "new_loop"...), `concurrent` whether two runs
    may overlap in one process.
    """

    times: Times
    known: bool
    unit: str = ""
    entry: str = ""
    chain: tuple[Step, ...] = ()
    more: int = 0
    contexts: frozenset[str] = frozenset()
    concurrent: bool = False
    confidence: Confidence = Confidence.HIGH
    partly_unknown: bool = False
    """Another way leads from a function that nobody is known to call: it may run more often than `times`."""
    in_new_loop: bool = False
    """The chain goes through a call that runs an event loop of its own; in `contexts`, some way does."""


class Holder(str, Enum):
    """What kind of code holds the site."""

    MODULE = "module"
    CLASS_BODY = "class body"
    FUNCTION = "function"
    INIT = "__init__"
    PROPERTY = "property"
    DEPENDENCY = "dependency"
    DEFAULT_FACTORY = "default factory"


class Escape(str, Enum):
    """Where the engine goes. A site without any escape keeps its engine local and drops it."""

    RETURNED = "returned"
    RETURNED_INSIDE = "returned inside a session, sessionmaker or connection"
    YIELDED = "yielded"
    STORED_ON_SELF = "stored on self"
    STORED_ON_CLASS = "stored on the class"
    STORED_GLOBALLY = "stored in a module variable"
    STORED_IN_CONTAINER = "stored in a container that outlives the call"
    STORED_BY_KEY = "kept in a container under a key that the caller gives"
    STORED_ELSEWHERE = "stored on another object"
    PASSED_TO_OWNER = "passed to code that may keep it"
    CAPTURED = "captured by a function that outlives the call"


class Pool(str, Enum):
    """The pool class the engine gets, as far as the arguments tell."""

    DEFAULT = "default"
    NULL = "NullPool"
    STATIC = "StaticPool"
    QUEUE = "QueuePool"
    OTHER = "other"
    UNKNOWN = "unknown"


class Release(str, Enum):
    """Whether the engine is disposed of by the code that made it."""

    ALWAYS = "always"
    HAPPY_PATH = "happy path"
    NEVER = "never"


class Loop(Struct, frozen=True):
    """The innermost loop of the same function that repeats the site and is no retry loop."""

    span: Span
    kind: str
    argument_depends: bool
    """An argument of the factory depends on the loop variable: one engine per database."""
    stored: bool
    """The engine is put into a container or attribute, or handed to an owner, in the same iteration."""


class Memo(Struct, frozen=True):
    """A memoiser or keyed cache that holds the site's engine.

    `keyed`: "none" (one engine), "args", "instance", "key", "thread", "pid". `maxsize` of an lru_cache: None is
    unbounded. `request_key`: the key depends on a parameter, so callers choose it. `disposes`: engines that leave the
    cache are disposed of. `value_cache`: it stores a pickled copy. `locked`: the first call is serialised.
    """

    fqn: str
    keyed: str
    parameters: int = 0
    maxsize: int | None = None
    evicts: bool = False
    request_key: bool = False
    disposes: bool = False
    value_cache: bool = False
    locked: bool = False


RUNS_AGAIN = "the module level of this file runs again and again"
"""Why no engine belongs there: a script of Streamlit, or a DAG file: what is made there is made each time."""


class EngineSite(Struct, frozen=True):
    """One call that makes an engine, with everything the rules of family 1xx ask about it.

    `factory` is the canonical dotted name ("sqlalchemy.create_engine"), `spelled` the call as the user wrote it
    without arguments ("sa.create_engine"). `inline_into` names the callable that the bare call is an argument of.
    `dead_guard` is the name tested by a guard that fills a local instead (dead memoisation). `reconstructed`: the
    frequency of constructing the class, where `holder` is INIT. `overwritten`: places where an attribute that holds
    the engine is set to None or to another engine without dispose().
    """

    span: Span
    chunk_line: int
    factory: str
    spelled: str
    symbol: str
    holder: Holder
    frequency: Frequency
    is_async: bool = False
    hidden: bool = False
    pool_only: bool = False
    escapes: frozenset[Escape] = frozenset()
    leaves_function: bool = False
    """The engine, or what holds it, leaves the function that makes it, also where its callers keep it to themselves."""
    returned: bool = False
    """The function returns the engine itself, whatever its known callers do with it."""
    pool: Pool = Pool.DEFAULT
    in_memory: bool = False
    pool_size: int | None = None
    max_overflow: int | None = None
    release: Release = Release.NEVER
    leaks: tuple[Leak, ...] = ()
    """Ways out of the function on which nothing disposes of the engine, where another way does; the first one first."""
    dispose_span: Span | None = None
    loop: Loop | None = None
    memo: Memo | None = None
    guarded_once: bool = False
    dead_guard: str = ""
    inline_into: str = ""
    url: str = ""
    """The constant-folded URL expression, canonical across modules, or "" when it is not constant."""
    url_depends_on_parameters: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    in_test: bool = False
    in_migration: bool = False
    one_shot_script: bool = False
    rerun: str = ""
    """"streamlit" or "airflow" when module level of this file is executed again and again."""
    connects_at_import: bool = False
    class_name: str = ""
    overwritten: tuple[Span, ...] = ()
    twins: tuple[Span, ...] = ()
    """Other module-level engines of the program with the same URL and settings; the first one comes first."""
    alternatives: tuple[Span, ...] = ()
    """Sites of which one run makes a single one (branches of an if or match), alike but for their URL; in order."""
    never_connects: bool = False
    """Only the dialect or the URL of the engine is asked for."""
    made_per_test: bool = False
    scoped_without_null: bool = False
    bound_to_its_function: str = ""
    """Why the call cannot stand at module level; "" when its arguments are known there, and the same in every call."""
    url_known_later: bool = False
    """The URL is not there yet when the module is imported: something sets it, or it depends on what is served."""
    public: bool = True


class DisposeSite(Struct, frozen=True):
    """A call of dispose() on a shared engine (POL117)."""

    span: Span
    chunk_line: int
    symbol: str
    frequency: Frequency
    engine: str
    module_level_engine: bool
    null_pool: bool
    shutdown: bool
    """In a shutdown, teardown, atexit, signal or fork context, or at the end of main()."""
    in_test: bool = False
    in_migration: bool = False
    after_failure: bool = False
    """In an exception handler: the server is gone, or failed over to another one."""
    replaced: bool = False
    """Every path that disposes of the engine puts another one in its place."""


class ProgramSites(Struct, frozen=True):
    """Everything the program offers to the rules."""

    engines: tuple[EngineSite, ...] = ()
    disposals: tuple[DisposeSite, ...] = ()
    handles: tuple[HandleSite, ...] = ()
    held: tuple[HeldSite, ...] = ()
    misuses: tuple[Misuse, ...] = ()
    versions: Versions = UNDECLARED
    kept: KeptSites = field(default_factory=KeptSites)
    pools: tuple[PoolSite, ...] = ()
