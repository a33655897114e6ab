"""Finds the calls that make engines and gathers everything the rules ask about each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.library.model import Owner
from poollint.program.arguments import ArgumentReader, Arguments
from poollint.program.flow import Flow, Flows
from poollint.program.graph import Construct, Node, Run
from poollint.program.handed_on import HandedOn
from poollint.program.loops import ancestors, repeating_loop
from poollint.program.memos import Memos
from poollint.program.references import Role
from poollint.program.sites import (
    EngineSite,
    Escape,
    Frequency,
    Holder,
    Loop,
    Pool,
    Release,
    Span,
    Step,
    Times,
)
from poollint.program.values import ClassValue, External, ExternalInstance, Function

if TYPE_CHECKING:
    from poollint.library.model import EngineFactory
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.guards import Guard, Guards
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_HANDED_ON = frozenset(
    {
        Escape.STORED_IN_CONTAINER,
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


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A call of an engine factory, before anything is known of its surroundings."""

    path: str
    call: int
    factory: EngineFactory
    fqn: str
    registered: bool = False


class Engines:
    """Builds `EngineSite`s."""

    def __init__(
        self, resolver: Resolver, guards: Guards, callers: Callers, frequencies: Frequencies, places: Places
    ) -> None:
        self._resolver = resolver
        self._guards = guards
        self._callers = callers
        self._frequencies = frequencies
        self.places = places
        self.arguments = ArgumentReader(resolver)
        self._factory_names = resolver.library.factory_names
        self._flows = Flows(resolver)
        self.memos = Memos(resolver, self.arguments)
        self._handed_on = HandedOn(resolver, callers, self._flows)

    # ---------------------------------------------------------------------------------------------- finding
    def acquisitions(self, paths: list[str]) -> list[Acquisition]:
        """The engine factory calls of these files, in order."""
        found: list[Acquisition] = []
        names = self._factory_names
        for path in paths:
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            aliases = frozenset(
                imported.name
                for scope in facts.scopes
                for imported in scope.imports
                if imported.attribute in names and imported.name != "*"
            )
            wanted = names | aliases | _assigned_aliases(facts, names | aliases)
            for index, call in enumerate(facts.calls):
                last = _last(call.func)
                if last in wanted:
                    found.extend(self._factory_calls(path, index))
            found.extend(self._given_away(path, wanted))
        return found

    def _factory_calls(self, path: str, index: int) -> list[Acquisition]:
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            fqn = self._factory_name(value, call)
            row = self._resolver.library.engine_factory(fqn) if fqn else None
            if row is not None and self._applies(path, call, row):
                return [Acquisition(path, index, row, fqn)]
        return []

    def _factory_name(self, value: object, call: model.Call) -> str:
        if isinstance(value, External):
            return value.fqn
        if isinstance(value, ClassValue):
            # A subclass of a library class that owns an engine.
            for base in self._resolver.classes.external_bases(value):
                if self._resolver.library.engine_factory(base) is not None:
                    return base
        del call
        return ""

    def _applies(self, path: str, call: model.Call, row: EngineFactory) -> bool:
        if row.pool_only or (row.memoised and row.owner is Owner.CALL):
            return False
        given = {name for name, _ in call.keywords if name is not None}
        if any(keyword in given for keyword in row.unless):
            return False
        if row.owner is Owner.APP and not call.args and "app" not in given:
            return False
        if row.string_url:
            expr = next((value for name, value in call.keywords if row.url is not None and name == row.url.kw), None)
            if expr is None and row.url is not None and row.url.pos is not None and row.url.pos < len(call.args):
                expr = call.args[row.url.pos]
            return expr is not None and not self._is_engine(path, call.scope, expr)
        return True

    def _is_engine(self, path: str, scope: int, expr: model.Expr) -> bool:
        for value in self._resolver.values(path, scope, expr):
            if isinstance(value, ExternalInstance) and value.fqn.rpartition(".")[2] in (
                "Engine",
                "AsyncEngine",
                "Connection",
            ):
                return True
        return False

    def _given_away(self, path: str, names: frozenset[str] | set[str]) -> list[Acquisition]:
        """`providers.Factory(create_engine, url)`: a new engine at every use of the provider."""
        references = self._callers.mentions.references(path)
        found: list[Acquisition] = []
        if references is None:
            return found
        for name in sorted(names):
            for reference in references.of(name):
                position = reference.position
                if position.role is not Role.ARGUMENT:
                    continue
                callees = self._resolver.callee(path, position.index)
                anti = [
                    self._resolver.library.anti_memoizer(each.fqn) for each in callees if isinstance(each, External)
                ]
                if not any(
                    row is not None
                    and row.callable is not None
                    and position.slot in (row.callable.pos, row.callable.kw)
                    for row in anti
                ):
                    continue
                for value in self._resolver.values(path, position.scope, reference.expr):
                    row = self._resolver.library.engine_factory(value.fqn) if isinstance(value, External) else None
                    if row is not None and isinstance(value, External):
                        found.append(Acquisition(path, position.index, row, value.fqn, True))
        return found

    # ---------------------------------------------------------------------------------------------- building
    def nodes(self, acquisition: Acquisition) -> list[Node]:
        """The nodes whose frequencies the site needs."""
        call = self._resolver.call(acquisition.path, acquisition.call)
        guard = self._guards.of_call(acquisition.path, acquisition.call)
        found: list[Node] = [self._node(acquisition.path, call, guard)]
        if guard is not None and guard.owner is not None:
            found.append(Construct(guard.owner.path, guard.owner.scope))
        owner = self.class_of(acquisition.path, call.scope)
        if owner is not None:
            found.append(Construct(owner.path, owner.scope))
        return found

    def _is_kept_by_the_loop(self, node: Node) -> bool:
        """The engine leaves inside of what a loop makes and keeps: one for each configured database, say."""
        source = self._frequencies.loop_behind(node)
        if source is None:
            return False
        facts = self._resolver.project.facts(source.span.path)
        assert facts is not None
        for index, call in enumerate(facts.calls):
            place = (call.line, call.column, call.end_line, call.end_column)
            if place == (source.span.line, source.span.column, source.span.end_line, source.span.end_column):
                result = self._flows.of_call(source.span.path, index)
                return bool(result.escapes & (_HANDED_ON | {Escape.RETURNED})) or bool(result.containers)
        return False

    def _node(self, path: str, call: model.Call, guard: Guard | None) -> Run:
        """The function around the call; without the parameter whose absence makes the engine."""
        return Run(path, call.scope, guard.target if guard is not None and guard.parameter else "")

    def site(self, acquisition: Acquisition) -> EngineSite | None:
        """The finished site, or None when it makes no engine after all (a mock)."""
        path, index = acquisition.path, acquisition.call
        call = self._resolver.call(path, index)
        facts = self._resolver.project.facts(path)
        assert facts is not None
        arguments = self.arguments.read(path, call, acquisition.factory)
        if arguments.mock:
            return None
        flow = self._flows.of_call(path, index)
        leaves_with_the_result = bool(flow.escapes & _LEAVES_WITH_THE_RESULT)
        self._handed_on.extend(flow, Run(path, call.scope))
        guard = self._guards.of_call(path, index)
        node = self._node(path, call, guard)
        frequency = self._frequencies.of(node)
        if leaves_with_the_result and self._is_kept_by_the_loop(node):
            frequency = replace(frequency, times=Times.NEVER, known=False)
        holder = self._holder(path, call.scope)
        memo = self.memos.of_function(path, call.scope) or self.memos.of_guard(path, call, guard)
        site = EngineSite(
            span=Span(path, call.line, call.column, call.end_line, call.end_column),
            chunk_line=call.line,
            factory=acquisition.factory.fqn,
            spelled=_spelled(facts, call.func),
            symbol=_symbol(facts, call.scope),
            holder=holder,
            frequency=frequency,
            is_async=acquisition.factory.is_async,
            hidden=acquisition.factory.hidden or acquisition.factory.owner is not Owner.CALL,
            escapes=frozenset(flow.escapes),
            pool=arguments.pool,
            in_memory=arguments.in_memory,
            pool_size=arguments.pool_size,
            max_overflow=arguments.max_overflow,
            release=flow.release,
            dispose_span=flow.dispose_span,
            loop=self._loop(path, call, flow),
            memo=memo,
            inline_into="" if acquisition.factory.hidden else flow.inline_into,
            url=arguments.url,
            url_depends_on_parameters=arguments.url_depends_on_parameters,
            settings=arguments.settings,
            in_test=self.places.is_test(path),
            in_migration=self.places.is_migration(path),
            one_shot_script=self._is_one_shot(holder, frequency, path),
            class_name=self._class_name(path, call.scope),
            scoped_without_null=flow.in_scoped_session and arguments.pool is not Pool.NULL,
            public=self._is_public(path, call.scope),
        )
        if acquisition.registered:
            site = self._as_provider(site, call)
        site = self._with_guard(self._with_instance_memo(site, path, call), guard)
        site = self._with_module(site, path, call, flow)
        return self._with_class(site, path, call, flow, arguments)

    def _is_one_shot(self, holder: Holder, frequency: Frequency, path: str) -> bool:
        """S11: only the module level of a program that runs and ends reaches it."""
        if holder is not Holder.MODULE:
            return frequency.known and frequency.times <= Times.ONCE
        facts = self._resolver.project.facts(path)
        assert facts is not None
        return any(_is_main_test(block.test) for block in facts.scopes[0].blocks if block.kind == "if")

    def _as_provider(self, site: EngineSite, call: model.Call) -> EngineSite:
        step = Step(site.span, f"{_last(call.func)}() calls it at every use")
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
        owner = self.class_of(path, call.scope)
        if site.memo is None or site.memo.keyed != "instance" or owner is None:
            return site
        made = self._frequencies.of(Construct(owner.path, owner.scope))
        if made.known and made.times is Times.MANY:
            return replace(site, memo=None, holder=Holder.INIT, frequency=made)
        return site

    def _with_guard(self, site: EngineSite, guard: Guard | None) -> EngineSite:
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
        facts = self._resolver.project.facts(path)
        assert facts is not None
        for index in facts.scopes[0].calls:
            other = facts.calls[index]
            if (
                isinstance(other.func, model.Attr)
                and other.func.attr
                in (
                    "connect",
                    "begin",
                    "execute",
                    "raw_connection",
                )
                and isinstance(other.func.value, model.Name)
                and other.func.value.id in flow.names
            ):
                return True
            held = [*other.args, *(value for _, value in other.keywords)]
            if other is not call and any(isinstance(each, model.Name) and each.id in flow.names for each in held):
                for value in self._resolver.callee(path, index):
                    if isinstance(value, External) and self._resolver.library.session_factory(value.fqn) is None:
                        return True
        return False

    def _with_class(
        self, site: EngineSite, path: str, call: model.Call, flow: Flow, arguments: Arguments
    ) -> EngineSite:
        owner = self.class_of(path, call.scope)
        if owner is None or not flow.attributes:
            return replace(site, made_per_test=self._per_test(site, path, call.scope))
        overwritten = self._overwritten(owner, call.scope, flow) if arguments.pool is not Pool.NULL else ()
        if self._owner_closes(owner, flow):
            site = (
                replace(site, release=Release.ALWAYS)
                if site.holder is Holder.INIT and self._always_entered(owner)
                else site
            )
        return replace(site, overwritten=overwritten, made_per_test=self._per_test(site, path, call.scope))

    # ---------------------------------------------------------------------------------------------- details
    def _holder(self, path: str, scope_index: int) -> Holder:
        scope = self._resolver.scope(path, scope_index)
        if scope.kind == "module":
            return Holder.MODULE
        if scope.kind == "class":
            return Holder.CLASS_BODY
        in_class = scope.parent > 0 and self._resolver.scope(path, scope.parent).kind == "class"
        if in_class and scope.name in (
            "__init__",
            "__post_init__",
            "model_post_init",
            "__attrs_post_init__",
            "__new__",
        ):
            return Holder.INIT
        names = self._resolver.decorator_names(path, scope_index)
        if in_class and ("builtins.property" in names or "abc.abstractproperty" in names):
            return Holder.PROPERTY
        for source in self._callers.sources(Run(path, scope_index)):
            if source.kind == "dependency" and source.caller is None and source.confidence > 0:
                return Holder.DEFAULT_FACTORY if source.unit in ("object", "use") else Holder.DEPENDENCY
        return Holder.FUNCTION

    def class_of(self, path: str, scope_index: int) -> ClassValue | None:
        """The class around a scope."""
        current = scope_index
        while current > 0:
            scope = self._resolver.scope(path, current)
            if scope.kind == "class":
                return ClassValue(path, current)
            current = scope.parent
        return None

    def _class_name(self, path: str, scope_index: int) -> str:
        owner = self.class_of(path, scope_index)
        return self._resolver.scope(owner.path, owner.scope).name if owner is not None else ""

    def _is_public(self, path: str, scope_index: int) -> bool:
        """Somebody may call it: its name says so, or something in the program mentions it."""
        scope = self._resolver.scope(path, scope_index)
        if scope.kind != "function":
            return True
        if not scope.name.startswith("_") or (scope.name.startswith("__") and scope.name.endswith("__")):
            return True
        return self._callers.is_referenced(Run(path, scope_index))

    def _loop(self, path: str, call: model.Call, flow: Flow) -> Loop | None:
        facts = self._resolver.project.facts(path)
        assert facts is not None
        scope = facts.scopes[call.scope]
        block = repeating_loop(facts, scope, call.block)
        if block is None:
            return None
        loop = scope.blocks[block]
        names = _loop_names(facts, scope, block)
        arguments = [*call.args, *(value for _, value in call.keywords)]
        depends = any(_uses(facts, each, names) for each in arguments)
        stored = bool(flow.escapes & _HANDED_ON) or bool(flow.containers)
        return Loop(Span(path, loop.line, 0, loop.line, 0), loop.kind, depends, stored)

    def _overwritten(self, owner: ClassValue, own: int, flow: Flow) -> tuple[Span, ...]:
        """Methods that set the attribute to None and nothing in them disposes of the engine first."""
        facts = self._resolver.project.facts(owner.path)
        assert facts is not None
        found: list[Span] = []
        for child in facts.scopes[owner.scope].children:
            scope = facts.scopes[child]
            if (
                scope.kind != "function"
                or scope.name in ("__init__", "__new__", "__getstate__", "__setstate__")
                or child == own
            ):
                continue
            if any(_last(facts.calls[index].func).endswith("dispose") for index in scope.calls) or not scope.parameters:
                continue
            receiver = scope.parameters[0].name
            for op in scope.ops:
                target = op.target
                if (
                    (
                        isinstance(target, model.Attr)
                        and target.attr in flow.attributes
                        and isinstance(target.value, model.Name)
                    )
                    and target.value.id == receiver
                    and isinstance(op.value, model.Const)
                    and op.value.value is None
                ):
                    if not op.value.kind and not self._is_reset_after_fork(Function(owner.path, child)):
                        found.append(Span(owner.path, op.line, op.column, op.end_line, op.end_column))
        return tuple(found)

    def _is_reset_after_fork(self, function: Function) -> bool:
        """Registered to run in a forked child, where the parent's connections must not be closed."""
        for source in self._callers.sources(Run(function.path, function.scope)):
            if source.kind == "child_init" or "fork" in source.text:
                return True
        return False

    def _owner_closes(self, owner: ClassValue, flow: Flow) -> bool:
        """A method of the class disposes of the engine it keeps."""
        for cls in self._resolver.classes.order(owner):
            facts = self._resolver.project.facts(cls.path)
            assert facts is not None
            for child in facts.scopes[cls.scope].children:
                for index in facts.scopes[child].calls:
                    func = facts.calls[index].func
                    if isinstance(func, model.Attr) and func.attr == "dispose" and isinstance(func.value, model.Attr):
                        if func.value.attr in flow.attributes or func.value.attr == "sync_engine":
                            return True
        return False

    def _always_entered(self, owner: ClassValue) -> bool:
        """Every construction of the class is a `with` statement."""
        sources = self._callers.sources(Construct(owner.path, owner.scope))
        found = False
        for source in sources:
            if source.caller is None:
                return False
            references = self._callers.mentions.references(source.span.path)
            facts = self._resolver.project.facts(source.span.path)
            assert references is not None and facts is not None
            for index, call in enumerate(facts.calls):
                if (call.line, call.column) == (source.span.line, source.span.column):
                    position = references.calls.get(index)
                    if position is None or position.role is not Role.ENTERED:
                        return False
                    found = True
        return found

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


def _is_main_test(test: model.Expr | None) -> bool:
    return isinstance(test, model.Compare) and isinstance(test.left, model.Name) and test.left.id == "__name__"


def _assigned_aliases(facts: model.ModuleFacts, names: frozenset[str]) -> frozenset[str]:
    """Variables that are set to a factory: `build = create_engine`."""
    return frozenset(
        op.target.id
        for scope in facts.scopes
        for op in scope.ops
        if isinstance(op.target, model.Name)
        and isinstance(op.value, (model.Name, model.Attr))
        and _last(op.value) in names
    )


def _loop_names(facts: model.ModuleFacts, scope: model.Scope, block: int) -> set[str]:
    """The loop variables and what is computed from them inside the loop."""
    names: set[str] = set()
    _collect_names(scope.blocks[block].target, names)
    for _ in range(3):
        for op in scope.ops:
            if op.target is not None and op.value is not None and block in ancestors(scope, op.block):
                if op.kind in ("bind", "for", "with") and _uses(facts, op.value, names):
                    _collect_names(op.target, names)
    return names


def _collect_names(target: model.Expr | None, names: set[str]) -> None:
    if isinstance(target, model.Name):
        names.add(target.id)
    elif isinstance(target, (model.Items,)):
        for item in target.items:
            _collect_names(item, names)
    elif isinstance(target, model.Star):
        _collect_names(target.value, names)


def _mentions_any(expr: model.Expr, names: set[str]) -> bool:
    if isinstance(expr, model.Name):
        return expr.id in names
    if isinstance(expr, (model.Attr, model.Await, model.Star, model.Not, model.Walrus)):
        return _mentions_any(expr.value, names)
    if isinstance(expr, (model.Items, model.Bool, model.Derived)):
        return any(_mentions_any(item, names) for item in expr.items)
    if isinstance(expr, model.Subscript):
        return _mentions_any(expr.value, names) or _mentions_any(expr.index, names)
    return False


def _uses(facts: model.ModuleFacts, expr: model.Expr, names: set[str], depth: int = 0) -> bool:
    if _mentions_any(expr, names):
        return True
    if isinstance(expr, model.CallRef) and depth < 5:
        call = facts.calls[expr.index]
        parts = [*call.args, *(value for _, value in call.keywords), call.func]
        return any(_uses(facts, part, names, depth + 1) for part in parts)
    if isinstance(expr, model.Derived) and depth < 5:
        return any(_uses(facts, part, names, depth + 1) for part in expr.items)
    return False


def _last(func: model.Expr) -> str:
    return func.attr if isinstance(func, model.Attr) else func.id if isinstance(func, model.Name) else ""


def _spelled(facts: model.ModuleFacts, func: model.Expr) -> str:
    """The callee as written; a call inside of it as `Name(...)`."""
    if isinstance(func, model.Attr):
        inner = _spelled(facts, func.value)
        return f"{inner}.{func.attr}" if inner else func.attr
    if isinstance(func, model.CallRef):
        return f"{_spelled(facts, facts.calls[func.index].func)}(...)"
    return func.id if isinstance(func, model.Name) else ""


def _symbol(facts: model.ModuleFacts, scope: int) -> str:
    return facts.scopes[scope].qualname
