"""What a row of knowledge is: the record types that the YAML files of this folder are validated against.

The records are msgspec structs, so that one declaration gives the validation, the error message (which names the
key) and the compact binary form. A row that names a symbol uses its canonical dotted name; `also` lists the other
dotted names under which user code imports the very same object.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Calls(str, Enum):
    """How often a registered callable runs in one process."""

    MANY = "many"
    PER_START = "per_start"
    PER_PROCESS = "per_process"
    ONCE = "once"


class Form(str, Enum):
    """How a callable is handed to the library."""

    CALL = "call"
    METHOD = "method"
    DECORATOR = "decorator"
    SUBCLASS = "subclass"
    ASSIGN = "assign"
    APPEND = "append"
    STATEMENT = "statement"
    NAMED = "named"


class CallableArgument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which argument of a registering call is the callable."""

    pos: int | None = None
    kw: str | None = None
    coro: bool = False
    star: bool = False
    iterable: bool = False
    list: bool = False
    generator: bool = False
    instance_methods: tuple[str, ...] = ()


class EntryPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A way in which a library runs the user's code. `library` is the name of the YAML file it came from."""

    form: Form
    kind: str
    calls: Calls
    fqn: str = ""
    also: tuple[str, ...] = ()
    name: str = ""
    predicate: str = ""
    where: str = ""
    concurrent: str = "no"
    boundary: str = "none"
    deco: str = "both"
    callable: tuple[CallableArgument, ...] = ()
    methods: tuple[str, ...] = ()
    forwards: str | tuple[str, ...] = ""
    default_concurrency: str | int = ""
    note: str = ""
    unverified: bool = False
    library: str = ""


class Memoizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A decorator or wrapper after which a factory runs once (per key)."""

    fqn: str
    also: tuple[str, ...] = ()
    form: str = "decorator"
    deco: str = "both"
    keyed: str = "none"
    bounded: str | bool = ""
    race: str | bool = ""
    when: str = ""
    callable: CallableArgument | None = None
    evicts: bool = False
    note: str = ""
    unverified: bool = False


class AntiMemoizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Looks like a cache, and is wrong or useless for engines. `effect`: value-cache, per-request, factory, thread."""

    fqn: str
    why: str
    effect: str
    also: tuple[str, ...] = ()
    callable: CallableArgument | None = None


class EngineFactory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that makes a new engine, or a new pool. `hidden` marks third-party wrappers around create_engine."""

    fqn: str
    also: tuple[str, ...] = ()
    is_async: bool = msgspec.field(name="async", default=False)
    url: CallableArgument | None = None
    config: CallableArgument | None = None
    pool_only: bool = False
    hidden: bool = False
    method: bool = False
    memoised: bool = False
    owner: str = ""
    returns: str = ""
    since: str | float = ""
    note: str = ""
    unverified: bool = False


class SessionFactory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A class or function that makes sessions, or makes something that makes them."""

    fqn: str
    also: tuple[str, ...] = ()
    creates: str = ""
    creates_factory: str = ""
    bind: CallableArgument | None = None
    since: str | float = ""
    note: str = ""


class Symbol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that matters for what it does to an engine or connection (borrowers, acquirers, release hooks...)."""

    fqn: str
    also: tuple[str, ...] = ()
    form: str = ""
    scope: str = ""
    pos: int | None = None
    kw: str = ""
    weak: bool = False
    when: str = ""
    immediate: str | bool | dict[str, str | bool] = ""
    release: tuple[str, ...] = ()
    cm: str | dict[str, str | bool] = ""
    commit: str = ""
    close_since: str = ""
    semantics: str = ""
    owned_by_session: bool = False
    name: str = ""
    where: str = ""
    note: str = ""
    unverified: bool = False


class ReceiverHint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registering method on a receiver whose type is not known, judged by the receiver's name: low confidence.

    `unique: true` on a method name that nothing else uses gives medium confidence.
    """

    method: str
    names: tuple[str, ...]
    kind: str
    calls: Calls = Calls.MANY
    concurrent: str = "yes"
    form: Form = Form.METHOD
    callable: tuple[CallableArgument, ...] = ()
    requires_kw: str = ""
    unique: bool = False


class TypeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What poollint must know of a library class or function to follow values through it.

    `bases`: canonical dotted names of base classes whose rows also apply. `returns`: the dotted name of the class
    whose instance a call gives; `enters`: the class whose instance `with` (or `async with`) binds; `attributes`:
    attribute name to the class of its value.
    """

    fqn: str
    also: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    returns: str = ""
    enters: str = ""
    attributes: dict[str, str] = {}


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
