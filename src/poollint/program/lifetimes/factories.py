"""`sessionmaker` and `async_sessionmaker`: where factories are built, on which engine, what their sessions expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import dotted, last_name, mentions, spelled
from poollint.program.graph import Run
from poollint.program.lifetimes.committing import Committing
from poollint.program.lifetimes.expiry import Expiry
from poollint.program.lifetimes.homes import kept_in
from poollint.program.lifetimes.registry_sites import FactorySite, Kept
from poollint.program.lifetimes.spread import Spread, call_on
from poollint.program.mentions import called_as
from poollint.program.references import Role
from poollint.program.sites import Frequency, Times
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.lifetimes.spread import Use
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.sites import Span

MARKERS = (b"sessionmaker", b"AsyncSession(")
SYNC, ASYNC = "sqlalchemy.orm.sessionmaker", "sqlalchemy.ext.asyncio.async_sessionmaker"
FACTORIES = frozenset({SYNC, ASYNC})
_NAMES = frozenset({"sessionmaker", "async_sessionmaker", "AsyncSession"})
_KEEPING = frozenset({Role.ARGUMENT, Role.ASSIGNED, Role.RETURNED, Role.YIELDED})
ASYNC_SESSIONS = frozenset({"sqlalchemy.ext.asyncio.AsyncSession", "sqlmodel.ext.asyncio.session.AsyncSession"})


class Factory(Struct, frozen=True):
    """One factory, and every mention of it; its own place is the first."""

    path: str
    call: int
    fqn: str
    is_async: bool
    uses: tuple[Use, ...]


class Factories:
    """Finds the factories of a program and builds their sites."""

    def __init__(self, resolver: Resolver, callers: Callers, frequencies: Frequencies, places: Places) -> None:
        self._resolver = resolver
        self._mentions = callers.mentions
        self._guards = callers.guards
        self._frequencies = frequencies
        self._places = places
        self._spread = Spread(resolver, callers.mentions, FACTORIES)
        self._expiry = Expiry(resolver, callers.mentions, ASYNC_SESSIONS)
        self._committing = Committing(resolver, callers.mentions, ASYNC_SESSIONS)

    def found(self) -> list[Factory]:
        """All factories and directly made async sessions, in order."""
        result = []
        project = self._resolver.project
        for path in project.containing(MARKERS, project.naming(project.files, _NAMES)):
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            wanted = called_as(facts, _NAMES)
            for index, call in enumerate(facts.calls):
                if last_name(call.func) not in wanted:
                    continue
                made = [value.fqn for value in self._resolver.callee(path, index) if isinstance(value, External)]
                fqn = next((name for name in made if name in FACTORIES or name in ASYNC_SESSIONS), "")
                if fqn:
                    uses = tuple(self._spread.uses(path, index)) if fqn in FACTORIES else ()
                    result.append(Factory(path, index, fqn, self._is_async(path, index, fqn), uses))
        return result

    def _is_async(self, path: str, index: int, fqn: str) -> bool:
        if fqn != SYNC:
            return True
        call = self._resolver.call(path, index)
        given = next((value for name, value in call.keywords if name == "class_"), None)
        values = self._resolver.values(path, call.scope, given)
        return any(isinstance(value, External) and value.fqn in ASYNC_SESSIONS for value in values)

    def nodes(self, factory: Factory) -> list[Node]:
        """The nodes whose frequencies the site needs: none where a rule has nothing to say about how often."""
        call = self._resolver.call(factory.path, factory.call)
        in_function = self._resolver.scope(factory.path, call.scope).kind in ("function", "lambda")
        if not in_function or not factory.uses or self._kept(factory) is not Kept.LOCAL:
            return []
        return [Run(factory.path, call.scope)]

    def line(self, factory: Factory) -> int:
        """The line of the call."""
        return self._resolver.call(factory.path, factory.call).line

    # ---------------------------------------------------------------------------------------------- sites
    def site(self, factory: Factory, others: Sequence[Factory]) -> FactorySite:
        """The finished site; `others` are all factories of the program."""
        path = factory.path
        facts = self._resolver.facts(path)
        call = facts.calls[factory.call]
        own = factory.uses[0] if factory.uses else None
        called = call_on(facts, own) if own is not None else None
        nodes = self.nodes(factory)
        expires = self._expires(call)
        return FactorySite(
            span=spans.of(path, call),
            chunk_line=call.line,
            spelled=spelled(call.func, facts),
            symbol=facts.scopes[call.scope].qualname,
            frequency=self._frequencies.of(nodes[0]) if nodes else Frequency(Times.ONCE, False),
            kept=self._kept(factory),
            is_async=factory.is_async,
            is_class=factory.fqn in ASYNC_SESSIONS,
            called_here=called is not None and called[1] in ("", "begin"),
            bound_to=self._bound_to(path, call),
            in_function=facts.scopes[call.scope].kind in ("function", "lambda"),
            expires=expires,
            read_after_commit=self._read(factory, others) if expires and factory.is_async else None,
            commits=expires and factory.is_async and self._commits(factory),
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
        )

    def _kept(self, factory: Factory) -> Kept:
        """Where it is kept; one in a variable of a function may still be handed on, or serve an inner function."""
        if not factory.uses:
            return Kept.LOCAL
        own, *others = factory.uses
        kept = kept_in(self._resolver, own)[0]
        if kept is Kept.LOCAL and (self._is_guarded(factory) or any(self._is_kept_by(use, own) for use in others)):
            return Kept.GIVEN
        return kept

    def _is_guarded(self, factory: Factory) -> bool:
        """It is made for something that is kept, and only where that is missing."""
        guard = self._guards.of_call(factory.path, factory.call)
        return guard is not None and not guard.dead and not guard.parameter

    def _is_kept_by(self, use: Use, own: Use) -> bool:
        if (use.path, use.position.scope) != (own.path, own.position.scope):
            return True
        return call_on(self._resolver.facts(use.path), use) is None and use.position.role in _KEEPING

    def _bound_to(self, path: str, call: model.Call) -> str:
        given = next((value for name, value in call.keywords if name == "bind"), call.args[0] if call.args else None)
        if given is None:
            return "none"
        scope = self._resolver.scope(path, call.scope)
        if scope.kind in ("module", "class"):
            return "shared"
        is_method = self._resolver.defining_class(path, call.scope) is not None
        names = {each.name for each in scope.parameters[1 if is_method else 0 :]}
        for op in scope.ops:
            if isinstance(op.target, model.Name) and op.target.id not in scope.globals:
                names.add(op.target.id)
            elif isinstance(op.target, model.Attr) and dotted(op.target) == dotted(given) != "":
                return "attribute"
        return "own" if mentions(given, names) or isinstance(given, (model.CallRef, model.Await)) else "shared"

    @staticmethod
    def _expires(call: model.Call) -> bool:
        """Attributes expire on commit; unknown keywords may say that they do not."""
        for name, value in call.keywords:
            if name is None:
                return False
            if name == "expire_on_commit":
                return isinstance(value, model.Const) and value.value is True
        return True

    def _commits(self, factory: Factory) -> bool:
        """Sessions of the factory are committed somewhere, or may be."""
        if factory.fqn in ASYNC_SESSIONS:
            return self._committing.of_session(factory.path, factory.call)
        return self._committing.of_factory(factory.uses)

    def _read(self, factory: Factory, others: Sequence[Factory]) -> Span | None:
        """The first attribute that is read after the commit of a session of this factory."""
        if factory.fqn in ASYNC_SESSIONS:
            return self._expiry.of_session(factory.path, factory.call)
        for use in factory.uses:
            called = call_on(self._resolver.facts(use.path), use)
            if called is not None and called[1] in ("", "begin"):
                found = self._expiry.of_session(use.path, called[0])
                if found is not None:
                    return found
        makers = [each for each in others if each.is_async and not self._places.is_test(each.path)]
        return self._expiry.of_parameters() if len(makers) == 1 else None
