"""What a row of knowledge is: the record types that the YAML files of this folder are validated against.

The records are msgspec structs, so that one declaration gives the validation, the error message (which names the
key) and the compact binary form. A row that names a symbol uses its canonical dotted name, the shortest public one.
`also` lists other dotted names under which user code imports the very same object; `likewise` lists other objects of
which the row holds just as well (Flask.post for Flask.get). A row for a class `a.Foo` is found under an alias of the
class too, and a row for `a.Foo.m` under every class that derives from it (see `TypeRow.bases`).
"""

from __future__ import annotations

import msgspec

from poollint.library.pooling import DefaultPool, DriverPool, EngineDriver, EngineOption, PoolClass
from poollint.library.predicates import Predicate  # noqa: TC001 (msgspec resolves the annotation at run time)
from poollint.library.words import (
    Boundary,
    Calls,
    Concurrent,
    Decoration,
    Effect,
    Form,
    Keyed,
    Kind,
    Owner,
    SessionKind,
)

__all__ = [
    "AntiMemoizer",
    "Boundary",
    "CallableArgument",
    "Calls",
    "Concurrent",
    "Decoration",
    "DefaultPool",
    "DriverPool",
    "Effect",
    "EngineDriver",
    "EngineFactory",
    "EngineOption",
    "EntryPoint",
    "Form",
    "Handle",
    "HandleMaker",
    "Keyed",
    "Kind",
    "LibraryFile",
    "Memoizer",
    "Owner",
    "PoolClass",
    "ReceiverHint",
    "SessionFactory",
    "SessionKind",
    "SlowCall",
    "Streamer",
    "Symbol",
    "TypeRow",
]


class CallableArgument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which argument of a call is meant: the registered callable, a URL, a bind, a cache size.

    `pos` counts from 0 without self; `kw` is the keyword. `coro`: the argument is a coroutine object, so the callee of
    the call expression is meant. `star`: every positional from `pos` on. `iterable`: its items. `list`: a list display
    of callables. `generator`: it is a generator, iterated by the library. `instance_methods`: it is an instance, and
    these methods of it are the callables.
    """

    pos: int | None = None
    kw: str | None = None
    coro: bool = False
    star: bool = False
    iterable: bool = False
    list: bool = False
    generator: bool = False
    instance_methods: tuple[str, ...] = ()


class EntryPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A way in which a library runs the user's code. `library` is the stem of the YAML file it came from.

    `callable`: the arguments that are the callables. `methods`: names or patterns (`on_*`) of methods, for `subclass`
    and for a decorated class.
    `forwards`: "star" (further positional arguments) or the keywords whose values reach the callable.
    `default_concurrency`: how many run at once by default, as a number or in words.
    """

    form: Form
    kind: Kind
    calls: Calls
    fqn: str = ""
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    name: str = ""
    predicate: Predicate | None = None
    where: str = ""
    concurrent: Concurrent = Concurrent.NO
    boundary: Boundary = Boundary.NONE
    deco: Decoration = Decoration.BOTH
    callable: tuple[CallableArgument, ...] = ()
    methods: tuple[str, ...] = ()
    forwards: str | tuple[str, ...] = ""
    default_concurrency: str | int = ""
    note: str = ""
    unverified: bool = False
    library: str = ""


class Memoizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A decorator or wrapper after which a factory runs once (per key).

    `form`: decorator, or call (the factory is an argument: `callable`). `evicts`: entries can leave the cache while
    the program runs. `size`: the argument that bounds the cache, `default_size` its default; None is unbounded.
    `race`: the first call is not serialised, unless `lock_keyword` is passed. `requires`: keyword values without which
    nothing is cached.
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    form: Form = Form.DECORATOR
    deco: Decoration = Decoration.BOTH
    keyed: Keyed = Keyed.NONE
    evicts: bool = False
    size: CallableArgument | None = None
    default_size: int | None = None
    race: bool = False
    lock_keyword: str = ""
    requires: dict[str, bool | int | str] = {}
    callable: CallableArgument | None = None
    note: str = ""
    unverified: bool = False


class AntiMemoizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Looks like a cache, and is wrong or useless for engines."""

    fqn: str
    why: str
    effect: Effect
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    callable: CallableArgument | None = None
    unverified: bool = False


class EngineFactory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that makes a new engine, or a new pool. `hidden` marks third-party wrappers around create_engine.

    `method`: `fqn` is a method of an instance, also of derived classes. `string_url`: an engine is made only when the
    `url` argument is given as a string; an engine passed there is borrowed. `unless`: keywords that hand in a shared
    engine instead. `memoised`: the object that it is called on makes the engine once. `returns`: dotted name of the
    class of the result; by default the engine. `release`: methods of the result that close it; by default `dispose`.
    `unique`: nothing else is called so, the method name is enough when the receiver is unknown. `markers`: texts of
    which a file that reaches the factory contains at least one; by default the last part of `fqn`.
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    is_async: bool = msgspec.field(name="async", default=False)
    url: CallableArgument | None = None
    config: CallableArgument | None = None
    string_url: bool = False
    unless: tuple[str, ...] = ()
    pool_only: bool = False
    hidden: bool = False
    method: bool = False
    memoised: bool = False
    owner: Owner = Owner.CALL
    returns: str = ""
    release: tuple[str, ...] = ()
    unique: bool = False
    markers: tuple[str, ...] = ()
    since: str = ""
    note: str = ""
    unverified: bool = False


class SessionFactory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A class or function that makes sessions (`creates`), or makes something that makes them (`creates_factory`).

    `session_class`: the argument that names the class of the sessions. `asynchronous`: the factory that a call gives
    instead where that class is one of asynchronous sessions.
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    creates: SessionKind | None = None
    creates_factory: SessionKind | None = None
    bind: CallableArgument | None = None
    session_class: CallableArgument | None = None
    asynchronous: str = ""
    since: str = ""
    note: str = ""
    unverified: bool = False


class Symbol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that matters for what it does to an engine or connection (borrowers, acquirers, release hooks...).

    `pos` and `kw` say which argument is the engine, or the releasing callable. `wraps`: the result keeps the engine
    and hands out sessions or connections of it. `unique`: nothing else is called so, the method name is enough when
    the receiver is unknown. `predicate` takes the place of `fqn` for hooks known by their shape.
    """

    fqn: str = ""
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    form: str = ""
    scope: str = ""
    pos: int | None = None
    kw: str = ""
    weak: bool = False
    wraps: bool = False
    unique: bool = False
    when: str = ""
    immediate: str | bool | dict[str, str | bool] = ""
    release: tuple[str, ...] = ()
    cm: str | dict[str, str | bool] = ""
    commit: str = ""
    close_since: str = ""
    semantics: str = ""
    owned_by_session: bool = False
    name: str = ""
    predicate: Predicate | None = None
    where: str = ""
    note: str = ""
    unverified: bool = False


class HandleMaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that makes a session or connection of the class `makes` (which has a row in `handles`).

    `context`: the result is a context manager only; leaving it commits (or rolls back) and closes. `registry`: it is
    the handle of the current scope, and the registry keeps it. `proxy`: it makes a registry, which stands for a handle
    where it is used like one. `refcounted`: it goes back when nothing refers to it.
    """

    fqn: str
    makes: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    context: bool = False
    registry: bool = False
    proxy: bool = False
    refcounted: bool = False
    unverified: bool = False


class Handle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the methods of a session or connection class do to the connection that it holds.

    `kind`: session, connection or raw_connection. `executes`: methods that run a statement, whose text tells whether
    it writes. `takes`: other methods that take a connection. `writes`: methods that note a change. `begins`: leaving
    the context manager that they give ends the transaction; `nests`: it ends a savepoint only. `same`: methods and
    attributes that give the handle itself. `lazy`: methods that give something which takes the connection later.
    `quiet`: methods that cannot fail for what the database says. `forgets`: methods after which a noted change is no
    longer meant to be saved. `commits_first`: methods (also `__exit__`) that commit before they close.
    """

    fqn: str
    kind: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    executes: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    rolls_back: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    nests: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    forgets: tuple[str, ...] = ()
    commits_first: tuple[str, ...] = ()
    unverified: bool = False


class SlowCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that waits for something outside of the program: the network, another process, a clock.

    Without `methods`, `fqn` is the function. With them, `fqn` is a class (or the function that makes the client), and a
    call of one of these names on it, or on one of its attributes, waits; `*` are all of them but those in `quiet`.
    `awaited`: only when it is awaited or entered. `seconds`: the argument that tells how long; a short constant time
    does not count.
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    awaited: bool = False
    seconds: CallableArgument | None = None
    note: str = ""
    unverified: bool = False


class Streamer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A response whose body is made while the client reads it. `content`: the argument that makes the body.

    `keeps_context`: the request's own objects live until the body is finished (Flask's stream_with_context).
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    content: CallableArgument = CallableArgument(pos=0)
    keeps_context: bool = False
    note: str = ""
    unverified: bool = False


class ReceiverHint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registering method on a receiver whose type is not known, judged by the receiver's name: low confidence.

    `method` may list several names, `get|post`. `names` are patterns for the lower-cased last part of the receiver.
    `unique: true` on a method name that nothing else uses gives medium confidence.
    """

    method: str
    names: tuple[str, ...]
    kind: Kind
    calls: Calls = Calls.MANY
    concurrent: Concurrent = Concurrent.YES
    form: Form = Form.METHOD
    callable: tuple[CallableArgument, ...] = ()
    requires_kw: str = ""
    unique: bool = False


class TypeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What poollint must know of a library class, function or module to follow values through it.

    `bases`: canonical dotted names of base classes whose rows also apply. `returns`: the class whose instance a call
    gives; without it a call of `fqn` gives an instance of `fqn`. For a coroutine function it is what `await` gives.
    `enters`: the class whose instance `with` (or `async with`) binds; without it the very instance. `decorates`: the
    class whose instance a decorated function becomes. `attributes`: attribute name to the class of its value;
    `class_attributes`: attribute name to the class that it is. `fluent`: attributes and methods without a row of
    their own give the same instance again (a builder). `fqn.__call__` describes what calling an instance gives.
    """

    fqn: str
    also: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    returns: str = ""
    enters: str = ""
    decorates: str = ""
    attributes: dict[str, str] = {}
    class_attributes: dict[str, str] = {}
    fluent: bool = False
    unverified: bool = False


class LibraryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The top level of one YAML file, ours or a user's (`[tool.poollint] models = [...]`)."""

    version: int = 1
    entrypoints: tuple[EntryPoint, ...] = ()
    fork_hooks_child: tuple[Symbol, ...] = ()
    fork_hooks_parent_before: tuple[Symbol, ...] = ()
    release_hooks: tuple[Symbol, ...] = ()
    memoizers: tuple[Memoizer, ...] = ()
    anti_memoizers: tuple[AntiMemoizer, ...] = ()
    transparent_decorators: tuple[str, ...] = ()
    receiver_hints: tuple[ReceiverHint, ...] = ()
    engine_factories: tuple[EngineFactory, ...] = ()
    self_disposing: tuple[Symbol, ...] = ()
    not_new_engines: tuple[str, ...] = ()
    engine_borrowers: tuple[Symbol, ...] = ()
    session_factories: tuple[SessionFactory, ...] = ()
    session_proxies: tuple[str, ...] = ()
    connection_acquirers: tuple[Symbol, ...] = ()
    dispose: tuple[Symbol, ...] = ()
    facts: dict[str, object] = {}
    types: tuple[TypeRow, ...] = ()
    handle_makers: tuple[HandleMaker, ...] = ()
    handles: tuple[Handle, ...] = ()
    slow_calls: tuple[SlowCall, ...] = ()
    streamers: tuple[Streamer, ...] = ()
    pools: tuple[PoolClass, ...] = ()
    engine_drivers: tuple[EngineDriver, ...] = ()
    default_pools: tuple[DefaultPool, ...] = ()
    engine_options: tuple[EngineOption, ...] = ()
    driver_pools: tuple[DriverPool, ...] = ()
