"""Finds the calls that make engines and gathers everything the rules ask about each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.library.model import Owner
from poollint.program import spans
from poollint.program.arguments import ArgumentReader, Arguments, url_argument
from poollint.program.classes import CONSTRUCTORS
from poollint.program.expressions import is_main_test, last_name, spelled, values_given
from poollint.program.flow import Flow, Flows
from poollint.program.graph import Construct, Node, Run
from poollint.program.handed_on import HandedOn
from poollint.program.known_at_import import KnownAtImport
from poollint.program.memos import Memos
from poollint.program.owners import Owners
from poollint.program.repetition import loop_around
from poollint.program.sites import (
    RUNS_AGAIN,
    EngineSite,
    Escape,
    Frequency,
    Holder,
    Pool,
    Release,
    Step,
    Times,
)
from poollint.program.values import External

if TYPE_CHECKING:
    from poollint.library.model import EngineFactory
    from poollint.program.acquisitions import Acquisition
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.guard import Guard
    from poollint.program.guards import Guards
    from poollint.program.lifetimes.disposing import Disposing
    from poollint.program.names import Resolver
    from poollint.program.own_caches import OwnCaches
    from poollint.program.places import Places

_HANDED_ON = frozenset(
    {
        Escape.STORED_IN_CONTAINER,
        Escape.STORED_BY_KEY,
        Escape.STORED_ON_SELF,
        Escape.STORED_ON_CLASS,
        Escape.STORED_GLOBALLY,
        Escape.STORED_ELSEWHERE,
        Escape.PASSED_TO_OWNER,
        Escape.YIELDED,
        Escape.CAPTURED,
    }
)
_LEAVES_WITH_THE_RESULT = frozenset({Escape.STORED_ON_SELF, Escape.RETURNED})
_UNKNOWN = Frequency(Times.NEVER, False)
_CONNECTING = frozenset({"connect", "begin", "execute", "raw_connection"})


class Engines:
    """Builds `EngineSite`s."""

    def __init__(
        self,
        resolver: Resolver,
        guards: Guards,
        own_caches: OwnCaches,
        callers: Callers,
        frequencies: Frequencies,
        places: Places,
        disposing: Disposing,
    ) -> None:
        self._resolver = resolver
        self._guards = guards
        self._callers = callers
        self._frequencies = frequencies
        self.places = places
        self.arguments = ArgumentReader(resolver)
        self._flows = Flows(resolver, disposing)
        self.memos = Memos(resolver, self.arguments, own_caches)
        self.owners = Owners(resolver, callers)
        self._handed_on = HandedOn(resolver, callers, self._flows)
        self._known = KnownAtImport(resolver)

    # ---------------------------------------------------------------------------------------------- building
    def line(self, acquisition: Acquisition) -> int:
        """The line on which the call begins."""
        return self._resolver.call(acquisition.path, acquisition.call).line

    def nodes(self, acquisition: Acquisition) -> list[Node]:
        """The nodes whose frequencies the site needs."""
        call = self._resolver.call(acquisition.path, acquisition.call)
        guard = self._guards.of_call(acquisition.path, acquisition.call)
        found: list[Node] = [self._node(acquisition.path, call, guard)]
        if guard is not None and guard.owner is not None:
            found.append(Construct(guard.owner.path, guard.owner.scope))
        owner = self.owners.around(acquisition.path, call.scope)
        if owner is not None:
            found.append(Construct(owner.path, owner.scope))
            made_with = self.arguments.read(acquisition.path, call, acquisition.factory).in_memory_unless_made_with
            found.extend([replace(found[-1], without=f"+{made_with}")] if made_with else [])
        return found

    def _is_kept_by_the_loop(self, node: Node) -> bool:
        """The engine leaves inside of what a loop makes and keeps: one for each configured database, say."""
        source = self._frequencies.loop_behind(node)
        if source is None:
            return False
        for index in spans.calls_at(self._resolver.facts(source.span.path), source.span):
            result = self._flows.of_call(source.span.path, index)
            return bool(result.escapes & (_HANDED_ON | {Escape.RETURNED})) or bool(result.containers)
        return False

    def _gives_a_key_in_each_turn(self, node: Node) -> bool:
        """The loop is the only reason to run often, and passes on what it goes over: an engine for each name there."""
        source = self._frequencies.loop_behind(node)
        if source is None:
            return False
        facts = self._resolver.facts(source.span.path)
        loops = (loop_around(source.span.path, facts, each, True) for each in spans.calls_at(facts, source.span))
        return any(loop is not None and loop.kind != "while" and loop.argument_depends for loop in loops)

    def _node(self, path: str, call: model.Call, guard: Guard | None) -> Run:
        """The function around the call; without the parameter whose absence makes the engine."""
        return Run(path, call.scope, guard.target if guard is not None and guard.parameter else "")

    def site(self, acquisition: Acquisition) -> EngineSite | None:
        """The finished site, or None when it makes no engine after all (a mock)."""
        path, index = acquisition.path, acquisition.call
        call = self._resolver.call(path, index)
        arguments = self.arguments.read(path, call, acquisition.factory)
        if arguments.mock:
            return None
        flow = self._flows.of_call(path, index)
        leaves_with_the_result = bool(flow.escapes & _LEAVES_WITH_THE_RESULT)
        leaves_function, returned = bool(flow.escapes), Escape.RETURNED in flow.escapes
        self._handed_on.extend(flow, Run(path, call.scope))
        guard = self._guards.of_call(path, index)
        node = self._node(path, call, guard)
        frequency = self._frequencies.of(node)
        kept_by_loop = leaves_with_the_result and self._is_kept_by_the_loop(node)
        if kept_by_loop or (Escape.STORED_BY_KEY in flow.escapes and self._gives_a_key_in_each_turn(node)):
            frequency = replace(frequency, times=Times.NEVER, known=False)
        site = self._with_holder(self._made(acquisition, arguments, flow), path, call, frequency)
        kept = bool(flow.escapes & _HANDED_ON) or bool(flow.containers)
        site = replace(
            site,
            leaves_function=leaves_function,
            returned=returned,
            loop=loop_around(path, self._resolver.facts(path), index, kept),
            memo=self.memos.of_function(path, call.scope) or self.memos.of_guard(path, call, guard),
            in_memory=arguments.in_memory or self._is_in_memory_unless_passed(path, call, arguments),
        )
        if acquisition.registered:
            site = self._as_provider(site, call)
        site = self._with_guard(self._with_instance_memo(site, path, call), guard)
        site = self._with_module(site, path, call, flow)
        site = self._unless_in_memory(site, path, call, arguments)
        return self._with_class(site, path, call, flow, arguments)

    def _made(self, acquisition: Acquisition, arguments: Arguments, flow: Flow) -> EngineSite:
        """What the call itself says, and where its engine goes."""
        path, factory = acquisition.path, acquisition.factory
        call, facts = self._resolver.call(path, acquisition.call), self._resolver.facts(path)
        hidden = factory.hidden or factory.owner is not Owner.CALL
        return EngineSite(
            span=spans.of(path, call),
            chunk_line=call.line,
            factory=factory.fqn,
            spelled=spelled(call.func, facts),
            symbol=facts.scopes[call.scope].qualname,
            holder=Holder.FUNCTION,
            frequency=_UNKNOWN,
            is_async=factory.is_async,
            hidden=hidden,
            escapes=frozenset(flow.escapes),
            pool=arguments.pool,
            pool_size=arguments.pool_size,
            max_overflow=arguments.max_overflow,
            release=flow.release,
            leaks=flow.leaks,
            dispose_span=flow.dispose_span,
            inline_into="" if factory.hidden else flow.inline_into,
            url=arguments.url,
            url_depends_on_parameters=arguments.url_depends_on_parameters,
            settings=arguments.settings,
            in_test=self.places.is_test(path),
            in_migration=self.places.is_migration(path),
            never_connects=flow.never_connects and not hidden,
            scoped_without_null=flow.in_scoped_session and arguments.pool is not Pool.NULL,
            bound_to_its_function=self._reason_to_stay(path, call),
            url_known_later=self._is_url_known_later(path, call, factory),
        )

    def _reason_to_stay(self, path: str, call: model.Call) -> str:
        """Why the call cannot stand at module level."""
        if self.places.rerun(path):
            return RUNS_AGAIN
        return self._known.reason_against(path, call)

    def _is_url_known_later(self, path: str, call: model.Call, factory: EngineFactory) -> bool:
        url = url_argument(call, factory)
        return url is not None and self._known.is_later(path, call.scope, url)

    def _with_holder(self, site: EngineSite, path: str, call: model.Call, frequency: Frequency) -> EngineSite:
        """What holds the call: which kind of scope and class, how often it runs, who may call it."""
        holder = self._holder(path, call.scope)
        if site.hidden and holder is Holder.PROPERTY:
            # A property that hands out a connector or client: only reads that are known to repeat say something.
            holder = Holder.FUNCTION
        owner = self.owners.around(path, call.scope)
        return replace(
            site,
            holder=holder,
            frequency=frequency,
            one_shot_script=self._is_one_shot(holder, frequency, path),
            class_name=self._resolver.scope(owner.path, owner.scope).name if owner is not None else "",
            public=self._callers.is_public(path, call.scope),
        )

    def _is_in_memory_unless_passed(self, path: str, call: model.Call, arguments: Arguments) -> bool:
        """The URL is a parameter whose default is a database in memory, and no known caller passes another one."""
        name = arguments.in_memory_unless_passed
        return bool(name) and not self._is_passed(Run(path, call.scope, f"+{name}"))

    def _unless_in_memory(self, site: EngineSite, path: str, call: model.Call, arguments: Arguments) -> EngineSite:
        """Objects that are made without a URL keep their database in memory: only those that are given one count."""
        owner = self.owners.around(path, call.scope)
        if site.holder is not Holder.INIT or owner is None or not arguments.in_memory_unless_made_with:
            return site
        node = Construct(owner.path, owner.scope, f"+{arguments.in_memory_unless_made_with}")
        if not self._is_passed(node):
            return replace(site, in_memory=True)
        return replace(site, frequency=self._frequencies.of(node))

    def _is_passed(self, node: Node, seen: frozenset[Node] = frozenset()) -> bool:
        """A call gives the parameter of `node.without`, be it one that its caller was given."""
        if node in seen:
            return False
        givers = [source.caller for source in self._callers.sources(node)]
        return any(giver is None or not giver.without or self._is_passed(giver, seen | {node}) for giver in givers)

    def _is_one_shot(self, holder: Holder, frequency: Frequency, path: str) -> bool:
        """S11: only the module level of a program that runs and ends reaches it."""
        if holder is not Holder.MODULE:
            return frequency.known and frequency.times <= Times.ONCE and not frequency.partly_unknown
        facts = self._resolver.facts(path)
        return any(is_main_test(block.test) for block in facts.scopes[0].blocks if block.kind == "if")

    def _as_provider(self, site: EngineSite, call: model.Call) -> EngineSite:
        step = Step(site.span, f"{last_name(call.func)}() calls it at every use")
        entry = f"provider at {site.span.path}:{site.span.line}"
        frequency = Frequency(
            Times.MANY, True, "use", entry, (step,), contexts=frozenset({"dependency"}), concurrent=True
        )
        return replace(
            site,
            holder=Holder.DEFAULT_FACTORY,
            frequency=frequency,
            escapes=frozenset({Escape.RETURNED}),
            inline_into="",
            one_shot_script=False,
        )

    def _with_instance_memo(self, site: EngineSite, path: str, call: model.Call) -> EngineSite:
        """A memoiser per object keeps one engine per object: what counts is how often the class is made."""
        owner = self.owners.around(path, call.scope)
        if site.memo is None or site.memo.keyed != "instance" or owner is None:
            return site
        made = self._frequencies.of(Construct(owner.path, owner.scope))
        if made.known and made.times is Times.MANY:
            return replace(site, memo=None, holder=Holder.INIT, frequency=made)
        return site

    def _with_guard(self, site: EngineSite, guard: Guard | None) -> EngineSite:
        if guard is not None and guard.parameter and guard.times is not None and not site.frequency.known:
            return replace(site, guarded_once=True)
        if guard is None or guard.parameter:
            return site
        if guard.dead:
            return replace(site, dead_guard=guard.target)
        if guard.owner is not None:
            made = self._frequencies.of(Construct(guard.owner.path, guard.owner.scope))
            if made.known and made.times is Times.MANY:
                return replace(site, holder=Holder.INIT, frequency=made)
            return replace(site, guarded_once=True)
        if guard.times is Times.PER_THREAD:
            frequency = replace(site.frequency, times=min(site.frequency.times, Times.PER_THREAD), unit="thread")
            return replace(site, frequency=frequency)
        return replace(site, guarded_once=True)

    def _with_module(self, site: EngineSite, path: str, call: model.Call, flow: Flow) -> EngineSite:
        if site.holder is not Holder.MODULE:
            return site
        rerun = self.places.rerun(path)
        return replace(site, rerun=rerun, connects_at_import=bool(rerun) and self._connects(path, call, flow))

    def _connects(self, path: str, call: model.Call, flow: Flow) -> bool:
        """Module level uses the engine for more than building sessions."""
        if flow.inline_into:
            return True
        facts = self._resolver.facts(path)
        for index in facts.scopes[0].calls:
            other = facts.calls[index]
            if isinstance(other.func, model.Attr) and other.func.attr in _CONNECTING:
                if isinstance(other.func.value, model.Name) and other.func.value.id in flow.names:
                    return True
            held = any(isinstance(each, model.Name) and each.id in flow.names for each in values_given(other))
            if other is not call and held:
                for value in self._resolver.callee(path, index):
                    if isinstance(value, External) and self._resolver.library.session_factory(value.fqn) is None:
                        return True
        return False

    def _with_class(
        self, site: EngineSite, path: str, call: model.Call, flow: Flow, arguments: Arguments
    ) -> EngineSite:
        owner = self.owners.around(path, call.scope)
        if owner is not None and flow.attributes:
            if arguments.pool is not Pool.NULL:
                site = replace(site, overwritten=self.owners.overwrites(owner, call.scope, flow.attributes))
            if self.owners.disposes(owner, flow.attributes) and site.holder is Holder.INIT:
                if self.owners.is_always_entered(owner):
                    site = replace(site, release=Release.ALWAYS)
        return replace(site, made_per_test=self._per_test(site, path, call.scope))

    # ---------------------------------------------------------------------------------------------- details
    def _holder(self, path: str, scope_index: int) -> Holder:
        scope = self._resolver.scope(path, scope_index)
        if scope.kind == "module":
            return Holder.MODULE
        if scope.kind == "class":
            return Holder.CLASS_BODY
        in_class = self._resolver.defining_class(path, scope_index) is not None
        if in_class and scope.name in CONSTRUCTORS:
            return Holder.INIT
        names = self._resolver.decorator_names(path, scope_index)
        if in_class and ("builtins.property" in names or "abc.abstractproperty" in names):
            return Holder.PROPERTY
        for source in self._callers.sources(Run(path, scope_index)):
            if source.kind == "dependency" and source.caller is None and source.confidence > 0:
                return Holder.DEFAULT_FACTORY if source.unit in ("object", "use") else Holder.DEPENDENCY
        return Holder.FUNCTION

    def _per_test(self, site: EngineSite, path: str, scope_index: int) -> bool:
        """In setUp or a function-scoped fixture of a test, and nothing there disposes of it."""
        if not site.in_test or site.in_memory or site.pool is Pool.NULL:
            return False
        if not is_server_url(site.url) and self.memos.speaks_of_sqlite(path):
            return False
        return self.memos.is_per_test(path, scope_index)


def is_server_url(url: str) -> bool:
    """A folded constant URL of something else than SQLite."""
    return url.startswith("'") and "://" in url and not url.startswith("'sqlite")
