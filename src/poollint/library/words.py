"""The words of the row language: what the values of `form`, `kind`, `calls`... mean."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A word of the row language. It formats as the word itself on every Python version."""

    def __str__(self) -> str:
        return str(self.value)


class Calls(Word):
    """How often a registered callable runs in one process."""

    MANY = "many"
    PER_START = "per_start"
    """Once per execution of the registering statement (`Thread(target=f).start()`)."""
    PER_PROCESS = "per_process"
    """Once in each fresh process."""
    ONCE = "once"
    """Once per run of the program."""


class Form(Word):
    """How a callable is handed to the library."""

    CALL = "call"
    """`fqn` is called and one argument is the callable (or, with `coro`, a call expression of it)."""
    METHOD = "method"
    """The same, where `fqn` is a method of an instance."""
    DECORATOR = "decorator"
    """`fqn`, or the result of calling it (see `Decoration`), decorates the callable."""
    SUBCLASS = "subclass"
    """`methods` of any class that derives from `fqn` are the callables."""
    ASSIGN = "assign"
    """The callable is assigned to the attribute `fqn` of an instance."""
    APPEND = "append"
    """The callable is appended to the list attribute `fqn` of an instance."""
    STATEMENT = "statement"
    """A call without a callable: what follows it runs in the new context (os.fork)."""
    NAMED = "named"
    """No dotted name: `predicate` decides."""


class Kind(Word):
    """The context that a callable runs in."""

    THREAD = "thread"
    PROCESS = "process"
    ASYNC_TASK = "async_task"
    NEW_LOOP = "new_loop"
    REQUEST = "request"
    DEPENDENCY = "dependency"
    EVENT = "event"
    JOB = "job"
    SCHEDULED = "scheduled"
    LOOP_STEP = "loop_step"
    PER_ITEM = "per_item"
    RERUN = "rerun"
    RETRY = "retry"
    TEST = "test"
    FIXTURE = "fixture"
    ONCE = "once"
    CLEANUP = "cleanup"
    CHILD_INIT = "child_init"
    IMPORT_TIME = "import_time"


class Concurrent(Word):
    """Whether two runs may overlap in one process, and so need a connection each."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


class Boundary(Word):
    """What lies between the registering statement and the run."""

    NONE = "none"
    THREAD = "thread"
    FORK = "fork"
    SPAWN = "spawn"
    PROCESS = "process"
    """fork or spawn: not known."""
    LOOP = "loop"
    """Another event loop."""
    REMOTE = "remote"


class Decoration(Word):
    """How a decorator is written: `@name`, `@name(...)` or either."""

    BARE = "bare"
    CALLED = "called"
    BOTH = "both"


class Keyed(Word):
    """What a memoizer tells entries apart by; NONE: there is one entry."""

    NONE = "none"
    ARGS = "args"
    INSTANCE = "instance"
    INSTANCE_ARGS = "instance_args"
    NAME = "name"


class Effect(Word):
    """What an anti-memoizer does with the value."""

    VALUE_CACHE = "value-cache"
    """It stores a pickled copy."""
    PER_REQUEST = "per-request"
    FACTORY = "factory"
    """A new value at every call."""
    THREAD = "thread"
    """One value per thread."""


class Owner(Word):
    """Who owns the engine that a factory makes."""

    CALL = "call"
    """Every call makes one, and the caller owns it."""
    OBJECT = "object"
    """The constructed object makes one and keeps it: one object per program is right, one per call is not."""
    APP = "app"
    """One per application object, made when the extension is initialised."""


class SessionKind(Word):
    """What a session factory makes."""

    SESSION = "Session"
    ASYNC_SESSION = "AsyncSession"
    REGISTRY = "registry"


class Loop(Word):
    """The engines that a pool or driver works with."""

    SYNC = "sync"
    ASYNC = "async"
    BOTH = "both"
