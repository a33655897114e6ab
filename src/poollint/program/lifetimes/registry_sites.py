"""What the lifetimes layer knows of registries (`scoped_session`) and session factories: what rules about them read."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import EngineSite, Frequency, Span


class Kept(str, Enum):
    """Where a registry or factory lives."""

    MODULE = "a module variable"
    CLASS = "an attribute of a class or module"
    INSTANCE = "an attribute of self"
    LOCAL = "the function that makes it"
    GIVEN = "whoever the function gives it to"


class Scoping(str, Enum):
    """What a registry keeps a session for. OWN: a function that nothing is known of."""

    THREAD = "thread"
    TASK = "task"
    SHARED = "everybody"
    OWN = "own"
    MISSING = "missing"


class MadeFrom(str, Enum):
    """What is passed to `scoped_session`."""

    FACTORY = "a factory"
    ASYNC_FACTORY = "a factory of async sessions"
    SESSION = "a session"
    REGISTRY = "another registry"


class RegistryUse(Struct, frozen=True):
    """One function that runs statements on the sessions of a registry, or commits them there.

    `span` is the first such call. `ends`: every way out comes after a commit, rollback or close of its own.
    `closes`: it removes or closes the session. `coroutine`: it is an `async def`; `waits`: and awaits something.
    """

    span: Span
    spelled: str
    symbol: str
    frequency: Frequency
    takes: bool = True
    ends: bool = False
    closes: bool = False
    coroutine: bool = False
    waits: bool = False
    in_test: bool = False


class Gap(Struct, frozen=True):
    """An entry point that uses a registry and that no clean-up reaches.

    `hook` names the hook that the clean-up is bound to, `span` the function that runs without it, `unit` what it runs
    for ("event").
    """

    span: Span
    symbol: str
    unit: str
    hook: str
    hook_span: Span


class RegistrySite(Struct, frozen=True):
    """One call of `scoped_session` or `async_scoped_session`, and everything that uses the registry it makes.

    `name` is the variable or attribute that keeps it. `removals` are the places outside of tests that call or hand out
    its remove() or close(). `handed_on`: code that nothing is known of is given the registry, and may remove.
    `called_here`: `scoped_session(factory)()`. `engine_per_call`: the engine behind it is made in the same
    function, which is known to run again and again.
    """

    span: Span
    chunk_line: int
    spelled: str
    symbol: str
    frequency: Frequency
    kept: Kept
    name: str = ""
    is_async: bool = False
    scoping: Scoping = Scoping.THREAD
    made_from: MadeFrom = MadeFrom.FACTORY
    called_here: bool = False
    uses: tuple[RegistryUse, ...] = ()
    removals: tuple[Span, ...] = ()
    handed_on: bool = False
    gaps: tuple[Gap, ...] = ()
    engine_per_call: bool = False
    in_test: bool = False
    in_migration: bool = False


class FactorySite(Struct, frozen=True):
    """One call of `sessionmaker` or `async_sessionmaker`, or of an async session class.

    `bound_to`: "shared" (an engine that outlives the call), "own" (an engine made or passed in here), "attribute" (one
    that is put into an attribute here), "none".
    `expires`: attributes expire on commit. `read_after_commit`: an attribute that is read after the commit of such a
    session. `commits`: the program maps classes, and such a session is committed, or handed to somebody who may.
    """

    span: Span
    chunk_line: int
    spelled: str
    symbol: str
    frequency: Frequency
    kept: Kept
    is_async: bool = False
    is_class: bool = False
    called_here: bool = False
    bound_to: str = "none"
    in_function: bool = False
    expires: bool = True
    read_after_commit: Span | None = None
    commits: bool = False
    in_test: bool = False
    in_migration: bool = False


class Misuse(str, Enum):
    """A call or statement that cannot do what it is written for."""

    ENTERED_FACTORY = "with factory"
    ENTERED_ENGINE = "with engine"
    ENTERED_REGISTRY = "with registry"
    METHOD_OF_FACTORY = "factory.method()"
    REMOVED_SESSION = "registry().remove()"
    USED_REMOVAL = "x = registry.remove()"
    CLOSED_ALL = "close_all_sessions()"


class MisuseSite(Struct, frozen=True):
    """One place of misuse. `name` is the object as written, `method` what is called on it.

    `once`: a shutdown, fork, signal or clean-up hook, or the end of a program, is all that runs it.
    """

    kind: Misuse
    span: Span
    name: str
    method: str
    symbol: str
    frequency: Frequency
    is_async: bool = False
    once: bool = False
    in_test: bool = False
    in_migration: bool = False


class PairSite(Struct, frozen=True):
    """A session on an engine that the same code makes for it. `scoped`: it comes out of a scoped_session."""

    handle: HandleSite
    engine: EngineSite
    scoped: bool

    @property
    def span(self) -> Span:
        """The place of the session."""
        return self.handle.span

    @property
    def symbol(self) -> str:
        """What holds the session."""
        return self.handle.symbol


class SharedSite(Struct, frozen=True):
    """A session or connection in a module or class variable or a default argument, and the functions that use it."""

    handle: HandleSite
    uses: tuple[RegistryUse, ...]

    @property
    def span(self) -> Span:
        """The place of the session."""
        return self.handle.span

    @property
    def symbol(self) -> str:
        """What holds the session."""
        return self.handle.symbol


class KeptSites(Struct, frozen=True):
    """What is known of registries, factories, their misuse, sessions with an engine of their own, and shared ones."""

    registries: tuple[RegistrySite, ...] = ()
    factories: tuple[FactorySite, ...] = ()
    misuses: tuple[MisuseSite, ...] = ()
    pairs: tuple[PairSite, ...] = ()
    shared: tuple[SharedSite, ...] = ()

    def records(self) -> tuple[KeptSite, ...]:
        """All of them, in order."""
        return (*self.registries, *self.factories, *self.misuses, *self.pairs, *self.shared)

    def singles(self) -> Iterator[KeptSites]:
        """Each record alone."""
        yield from (KeptSites(registries=(each,)) for each in self.registries)
        yield from (KeptSites(factories=(each,)) for each in self.factories)
        yield from (KeptSites(misuses=(each,)) for each in self.misuses)
        yield from (KeptSites(pairs=(each,)) for each in self.pairs)
        yield from (KeptSites(shared=(each,)) for each in self.shared)


KeptSite: TypeAlias = RegistrySite | FactorySite | MisuseSite | PairSite | SharedSite
