"""`scoped_session`: where each registry is kept, which functions use its sessions, and what removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import last_name, spelled
from poollint.program.graph import Run
from poollint.program.lifetimes.gaps import Gaps
from poollint.program.lifetimes.homes import kept_in
from poollint.program.lifetimes.registry_sites import Kept, RegistrySite
from poollint.program.lifetimes.scoping import ASYNC, SYNC, Scopes
from poollint.program.lifetimes.session_uses import SESSIONS, Doing, SessionUses
from poollint.program.lifetimes.spread import Spread, call_on, is_whole, same
from poollint.program.mentions import called_as
from poollint.program.references import Role
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.lifetimes.origins import Origins
    from poollint.program.lifetimes.registry_sites import Gap
    from poollint.program.lifetimes.spread import Use
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.sites import Span

NAMES = frozenset({"scoped_session", "async_scoped_session"})
_CLOSING = frozenset({"contextlib.closing", "contextlib.aclosing"})
_HARMLESS = ("sqlalchemy.event.", "builtins.", "logging.", *_CLOSING, SYNC, ASYNC)


class Registry(Struct):
    """One registry, before it is known how often its users run."""

    path: str
    call: int
    is_async: bool
    kept: Kept = Kept.LOCAL
    name: str = ""
    called_here: bool = False
    handed_on: bool = False
    doing: dict[tuple[str, int], Doing] = {}
    removals: set[Span] = set()
    removed_in: set[tuple[str, int]] = set()
    hooked: set[str] = set()
    uses: list[Use] = []


class Registries:
    """Finds the registries of a program and builds their sites."""

    def __init__(self, resolver: Resolver, callers: Callers, frequencies: Frequencies, places: Places) -> None:
        self._resolver = resolver
        self._frequencies = frequencies
        self._places = places
        self._mentions = callers.mentions
        self._registries = Spread(resolver, callers.mentions, frozenset({SYNC, ASYNC}))
        self._sessions = Spread(resolver, callers.mentions, SESSIONS, enters_itself=True)
        self._gaps = Gaps(resolver, callers)
        self._doing = SessionUses(resolver, frequencies, places)
        self._scopes = Scopes(resolver)

    def found(self) -> list[Registry]:
        """All registries, in order, with what every function does with them."""
        result = []
        project = self._resolver.project
        for path in project.naming(project.files, NAMES):
            facts = project.facts(path)
            wanted = called_as(facts, NAMES) if facts is not None else NAMES
            for index, call in enumerate(facts.calls if facts is not None else ()):
                if last_name(call.func) not in wanted:
                    continue
                made = {value.fqn for value in self._resolver.callee(path, index) if isinstance(value, External)}
                if made & {SYNC, ASYNC}:
                    result.append(self._registry(Registry(path, index, ASYNC in made)))
        return result

    def nodes(self, registry: Registry) -> list[Node]:
        """The nodes whose frequencies the site needs."""
        own = self._resolver.call(registry.path, registry.call).scope
        return [Run(registry.path, own), *(Run(path, scope) for path, scope in self._judged(registry))]

    def _missed(self, registry: Registry) -> tuple[Gap, ...]:
        """The entry points that no clean-up reaches."""
        if registry.kept not in (Kept.MODULE, Kept.CLASS):
            return ()
        using = [place for place in self._judged(registry) if registry.doing[place].takes]
        return self._gaps.of(registry.removed_in, registry.hooked, using)

    def _judged(self, registry: Registry) -> list[tuple[str, int]]:
        """The functions that a rule may speak of: threads share what a module or class keeps, tasks everything."""
        shared = registry.kept in (Kept.MODULE, Kept.CLASS)
        return [place for place in sorted(registry.doing) if shared or self._resolver.scope(*place).is_async]

    def line(self, registry: Registry) -> int:
        """The line of the call."""
        return self._resolver.call(registry.path, registry.call).line

    # ---------------------------------------------------------------------------------------------- following
    def _registry(self, registry: Registry) -> Registry:
        uses = self._registries.uses(registry.path, registry.call)
        if not uses:
            return registry
        own, registry.uses = uses[0], uses
        self._home(registry, own)
        for use in uses:
            if use is not own or registry.called_here:
                self._used(registry, use, own)
        return registry

    def _home(self, registry: Registry, own: Use) -> None:
        if call_on(self._resolver.facts(own.path), own) is not None:
            registry.called_here = True
        else:
            registry.kept, registry.name = kept_in(self._resolver, own)
            registry.handed_on = registry.kept is Kept.GIVEN and own.position.role is not Role.RETURNED

    def _used(self, registry: Registry, use: Use, own: Use) -> None:
        facts = self._resolver.facts(use.path)
        position = use.position
        called = call_on(facts, use)
        if use.query:
            self._does(registry, use.path, position.scope, called[0] if called else -1, "query")
        elif called is not None and called[1]:
            self._does(registry, use.path, position.scope, called[0], called[1])
        elif called is not None:
            for session in self._sessions.uses(use.path, called[0]):
                self._session_used(registry, session)
        elif self._is_method_given_away(registry, use):
            pass
        elif position.role is Role.ARGUMENT or not is_whole(use):
            registry.handed_on |= position.role is not Role.READ and not self._is_harmless(use)
        elif position.role is Role.ASSIGNED:
            self._assigned(registry, use, own)
        elif position.role is Role.RETURNED:
            if registry.kept is Kept.LOCAL:
                registry.kept = Kept.GIVEN
        elif position.role is not Role.READ and position.role is not Role.ENTERED:
            registry.handed_on |= position.role is not Role.YIELDED or registry.kept is not Kept.LOCAL

    def _assigned(self, registry: Registry, use: Use, own: Use) -> None:
        """Another name for it; a class attribute tells a framework of it, a container may be gone through."""
        scope = self._resolver.scope(use.path, use.position.scope)
        target = scope.ops[use.position.index].target
        if isinstance(target, model.Subscript) or (scope.kind == "class" and use is not own):
            registry.handed_on = True
        elif registry.kept is Kept.LOCAL and use is not own:
            registry.kept, registry.name = kept_in(self._resolver, use)

    def _is_method_given_away(self, registry: Registry, use: Use) -> bool:
        """`app.teardown_appcontext(Registry.remove)`: something else calls it."""
        whole = use.position.whole
        if not isinstance(whole, model.Attr) or not same(whole.value, use.expr) or whole.attr not in self._doing.closes:
            return False
        if not self._places.is_test(use.path):
            registry.removals.add(spans.of(use.path, use.position))
            registry.hooked |= self._gaps.hooks_of_argument(use.path, use.position)
        return True

    def _is_harmless(self, use: Use) -> bool:
        """The callee neither keeps nor removes what it is given."""
        if use.position.role is not Role.ARGUMENT or not is_whole(use):
            return False
        callees = self._resolver.callee(use.path, use.position.index)
        return bool(callees) and all(
            isinstance(value, External) and value.fqn.startswith(_HARMLESS) for value in callees
        )

    def _session_used(self, registry: Registry, use: Use) -> None:
        position = use.position
        called = call_on(self._resolver.facts(use.path), use)
        if called is not None and called[1]:
            if called[1] != "remove":  # A session has none: the call raises.
                self._does(registry, use.path, position.scope, called[0], called[1])
        elif position.role is Role.ENTERED:
            self._does(registry, use.path, position.scope, -1, "close")
        elif position.role is Role.ARGUMENT and is_whole(use):
            callees = self._resolver.callee(use.path, position.index)
            if any(isinstance(value, External) and value.fqn in _CLOSING for value in callees):
                self._does(registry, use.path, position.scope, position.index, "close")
            elif not all(isinstance(value, (External, ExternalInstance)) for value in callees):
                registry.handed_on = True
        elif self._is_method_given_away(registry, use):
            pass

    def _does(self, registry: Registry, path: str, scope: int, call: int, method: str) -> None:
        if method in self._doing.closes and not self._places.is_test(path):
            line = self._resolver.call(path, call) if call >= 0 else None
            place = self._resolver.scope(path, scope).line
            registry.removals.add(spans.of(path, line) if line is not None else spans.of_line(path, place))
            registry.removed_in.add((path, scope))
        if scope == 0:
            return
        self._doing.add(registry.doing.setdefault((path, scope), Doing()), call, method)

    # ---------------------------------------------------------------------------------------------- sites
    def site(self, registry: Registry, origins: Origins) -> RegistrySite:
        """The finished site."""
        path, index = registry.path, registry.call
        facts = self._resolver.facts(path)
        call = facts.calls[index]
        uses = [self._doing.use(*place, registry.doing[place]) for place in self._judged(registry)]
        origin = origins.of_call(path, index)
        per_call = origin is not None and origin.is_per_call
        return RegistrySite(
            span=spans.of(path, call),
            chunk_line=call.line,
            spelled=spelled(call.func, facts),
            symbol=facts.scopes[call.scope].qualname,
            frequency=self._frequencies.of(Run(path, call.scope)),
            kept=registry.kept,
            name=registry.name,
            is_async=registry.is_async,
            scoping=self._scopes.scoping(path, call, registry.is_async),
            made_from=self._scopes.made_from(path, call),
            called_here=registry.called_here,
            uses=tuple(use for use in uses if use is not None),
            removals=tuple(sorted(registry.removals)),
            handed_on=registry.handed_on,
            gaps=self._missed(registry),
            engine_per_call=per_call,
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
        )
