"""POL209 and POL215: sessions and connections that are handed to threads, tasks and background work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.library.model import Calls, Concurrent, Form, Kind
from poollint.program import spans
from poollint.program.expressions import last_name, names_bound, spelled, values_given
from poollint.program.graph import Run
from poollint.program.loops import ancestors, is_inside
from poollint.program.mentions import called_as
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.misuses.typed import REGISTRIES, Typed
from poollint.program.sites import Span, Step
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import EntryPoint, Handle
    from poollint.program.callers import Callers
    from poollint.program.graph import Source
    from poollint.program.injected import Injected
    from poollint.program.lifetimes.making import Makings
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_RUNNING = frozenset({Kind.THREAD, Kind.ASYNC_TASK, Kind.EVENT, Kind.JOB})
_SHARING = frozenset({"thread", "async_task", "job", "request", "event", "scheduled"})
_AFTER_RESPONSE = (".BackgroundTasks.add_task", ".BackgroundTask")
_WAITING = frozenset({"join", "result", "wait", "as_completed", "shutdown", "get"})
_REGISTRIES = frozenset(name.rpartition(".")[2].encode() for name in REGISTRIES)
_DEEPEST = 3


class Handing(Finder):
    """Looks at what threads and tasks are given, and at what their functions capture."""

    markers = (
        b"callback=",
        b"Thread(",
        b".submit(",
        b"Executor(",
        b"to_thread(",
        b"run_in_executor(",
        b"create_task(",
        b"start_soon(",
        b"add_task(",
        b"BackgroundTask(",
        b".subscribe(",
        b"ensure_future(",
    )

    def __init__(
        self,
        resolver: Resolver,
        typed: Typed,
        callers: Callers,
        places: Places,
        makings: Makings,
        injected: Injected,
    ) -> None:
        self._injected = injected
        self._resolver = resolver
        self._typed = typed
        self._callers = callers
        self._places = places
        self._makings = makings
        self._names = resolver.library.registering_names(_RUNNING)

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The hand-overs of a file."""
        wanted = called_as(facts, self._names)
        for index, call in enumerate(facts.calls):
            for fqn, row in self._rows(path, index) if last_name(call.func) in wanted else ():
                found = self._given(path, facts, call, fqn, row)
                if found is not None:
                    yield found
                    break
        for number, scope in enumerate(facts.scopes):
            if scope.kind == "function" and scope.children:
                yield from self._captured(path, facts, number, scope)

    def concerns(self, path: str) -> bool:
        """The file makes a session or connection, or has a word of what types one: other variables hold none."""
        tokens = self._resolver.project.tokens(path)
        words = (self._injected.words, self._injected.sessions, _REGISTRIES)
        return any(home == path for home, _ in self._makings.made) or not all(map(tokens.isdisjoint, words))

    def _rows(self, path: str, index: int) -> list[tuple[str, EntryPoint]]:
        found = []
        for value in self._resolver.callee(path, index):
            if isinstance(value, External):
                for row in self._resolver.library.entry_points(value.fqn):
                    if row.form in (Form.CALL, Form.METHOD) and row.kind in _RUNNING:
                        found.append((value.fqn, row))
        return found

    # ---------------------------------------------------------------------------------------------- arguments
    def _given(self, path: str, facts: model.ModuleFacts, call: model.Call, fqn: str, row: EntryPoint) -> Misuse | None:
        for given in values_given(call):
            for name, handle in self._handles_in(path, facts, call.scope, given, 0):
                kind = self._judged(path, facts, call, fqn, row, name)
                if kind is not None:
                    misuse = self._misuse(path, facts, kind, call, name, handle)
                    return replace(misuse, after_response=fqn.endswith(_AFTER_RESPONSE))
        return None

    def _handles_in(
        self, path: str, facts: model.ModuleFacts, scope: int, expr: model.Expr, depth: int
    ) -> Iterator[tuple[str, Handle]]:
        """The variables in an argument that are sessions or connections; also in displays and in coroutine calls."""
        if isinstance(expr, model.Name):
            handle = self._typed.handle(path, scope, expr)
            if handle is not None and not self._typed.is_registry(path, scope, expr):
                yield expr.id, handle
        elif depth < _DEEPEST:
            parts: list[model.Expr] = []
            if isinstance(expr, model.Items):
                parts = expr.items
            elif isinstance(expr, model.Mapping):
                parts = expr.values
            elif isinstance(expr, model.CallRef):
                parts = values_given(facts.calls[expr.index])
            for part in parts:
                yield from self._handles_in(path, facts, scope, part, depth + 1)

    def _judged(
        self, path: str, facts: model.ModuleFacts, call: model.Call, fqn: str, row: EntryPoint, name: str
    ) -> MisuseKind | None:
        """What is wrong with the hand-over; None where the creator waits, or gives the session away."""
        scope = facts.scopes[call.scope]
        is_parameter = any(parameter.name == name for parameter in scope.parameters)
        injected = self._typed.provider(path, call.scope, name) is not None
        if fqn.endswith(_AFTER_RESPONSE):
            return MisuseKind.BACKGROUND if is_parameter else None
        if call.awaited or self._is_waited_for(facts, call):
            return None
        if _is_repeated(scope, call.block, name):
            return MisuseKind.CROSSES_THREADS if row.concurrent is not Concurrent.NO else None
        if self._waits(facts, scope):
            return None
        if injected:
            return MisuseKind.BACKGROUND
        return MisuseKind.CROSSES_THREADS if _is_managed(scope, call.block, name) else None

    def _is_waited_for(self, facts: model.ModuleFacts, call: model.Call) -> bool:
        """`executor.submit(...).result()`, `await wrap(submit(...))` outside of a loop."""
        if call.outer < 0:
            return False
        outer = facts.calls[call.outer]
        waits = isinstance(outer.func, model.Attr) and outer.func.attr in _WAITING and call.role == "func"
        return waits or (outer.awaited and not _in_comprehension(facts.scopes[call.scope], call.block))

    def _waits(self, facts: model.ModuleFacts, scope: model.Scope) -> bool:
        """Something in the function waits for threads or tasks to end."""
        for index in scope.calls:
            call = facts.calls[index]
            if isinstance(call.func, model.Attr) and call.func.attr in _WAITING:
                return True
            if call.awaited and any(isinstance(given, (model.Name, model.Star)) for given in call.args):
                return True
        awaited = (op.value for op in scope.ops if isinstance(op.value, model.Await))
        if any(isinstance(value.value, model.Name) for value in awaited if isinstance(value, model.Await)):
            return True
        return any(block.kind == "with" and _is_executor(facts, block.test) for block in scope.blocks)

    # ---------------------------------------------------------------------------------------------- closures
    def _captured(self, path: str, facts: model.ModuleFacts, number: int, scope: model.Scope) -> Iterator[Misuse]:
        nested = [child for child in scope.children if facts.scopes[child].kind in ("function", "lambda")]
        if not nested:
            return
        held = self._sessions_of(path, number, scope)
        for child in nested if held else ():
            name = self._mentioned(path, facts, child, held)
            if not name:
                continue
            for source in self._callers.sources(Run(path, child)):
                if self._is_shared_by(path, facts, source):
                    yield Misuse(
                        MisuseKind.CROSSES_THREADS,
                        source.span,
                        scope.qualname,
                        name,
                        detail=held[name].kind,
                        related=(
                            Step(
                                spans.of_definition(path, facts.scopes[child])
                                if facts.scopes[child].kind == "function"
                                else source.span,
                                f"{facts.scopes[child].name or 'the lambda'} captures {name}",
                            ),
                        ),
                        grave=True,
                        in_test=self._places.is_test(path),
                        in_migration=self._places.is_migration(path),
                    )
                    break

    def _sessions_of(self, path: str, number: int, scope: model.Scope) -> dict[str, Handle]:
        """Variables of a function that it makes sessions or connections for."""
        found = {}
        for op in scope.ops:
            if op.kind in ("bind", "with") and isinstance(op.target, model.Name) and op.value is not None:
                bare = op.value.value if isinstance(op.value, model.Await) else op.value
                if not isinstance(bare, model.CallRef) or (path, bare.index) not in self._makings.made:
                    continue
                handle = self._typed.handle(path, number, op.target)
                if handle is not None and not self._typed.is_registry(path, number, op.target):
                    found[op.target.id] = handle
        return found

    def _mentioned(self, path: str, facts: model.ModuleFacts, child: int, held: dict[str, Handle]) -> str:
        """A variable that the nested function uses and does not bind itself."""
        scope = facts.scopes[child]
        own = {parameter.name for parameter in scope.parameters}
        for op in scope.ops:
            own |= names_bound(op.target) if op.target is not None and op.kind != "aug" else set()
        references = self._callers.mentions.references(path)
        if references is None:
            return ""
        for name in sorted(set(held) - own):
            if any(reference.position.scope == child for reference in references.of(name)):
                return name
        return ""

    def _is_shared_by(self, path: str, facts: model.ModuleFacts, source: Source) -> bool:
        """Several runs of the function may overlap."""
        if source.kind not in _SHARING or not source.concurrent or source.span.path != path:
            return False
        calls = [facts.calls[index] for index in spans.calls_at(facts, source.span)]
        if any(call.awaited for call in calls):
            return False
        if source.loop is not None:
            return True
        rows = [row for index in spans.calls_at(facts, source.span) for _, row in self._rows(path, index)]
        if calls and rows:
            return any(row.calls is Calls.MANY and row.kind is Kind.EVENT for row in rows)
        return source.caller is None and source.kind in ("request", "event")

    def _misuse(
        self, path: str, facts: model.ModuleFacts, kind: MisuseKind, call: model.Call, name: str, handle: Handle
    ) -> Misuse:
        scope = facts.scopes[call.scope]
        return Misuse(
            kind,
            spans.of(path, call),
            scope.qualname,
            name,
            detail=handle.kind if kind is MisuseKind.CROSSES_THREADS else spelled(call.func, facts),
            related=_made_at(path, scope, name),
            grave=True,
            certain=self._typed.provider(path, call.scope, name) is not None or kind is MisuseKind.CROSSES_THREADS,
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
        )


def _made_at(path: str, scope: model.Scope, name: str) -> tuple[Step, ...]:
    for op in scope.ops:
        if op.target is not None and name in names_bound(op.target):
            return (Step(Span(path, op.line, 0, op.line, 0), f"{name} is made here"),)
    return ()


def _in_comprehension(scope: model.Scope, block: int) -> bool:
    return any(scope.blocks[each].kind == "comprehension" for each in ancestors(scope, block))


def _is_repeated(scope: model.Scope, block: int, name: str) -> bool:
    """A loop or comprehension around the call does not make the session anew in each pass."""
    for each in ancestors(scope, block):
        found = scope.blocks[each]
        if found.kind in ("for", "while", "comprehension"):
            inside = found.target is not None and name in names_bound(found.target)
            return not inside and not _binds(scope, each, name)
    return False


def _binds(scope: model.Scope, outer: int, name: str) -> bool:
    return any(name in names_bound(op.target) and is_inside(scope, op.block, outer) for op in scope.ops)


def _is_managed(scope: model.Scope, block: int, name: str) -> bool:
    """A `with` block around the call closes the session."""
    enclosing = ancestors(scope, block)
    return any(op.kind == "with" and op.block in enclosing and name in names_bound(op.target) for op in scope.ops)


def _is_executor(facts: model.ModuleFacts, expr: model.Expr | None) -> bool:
    """`with ThreadPoolExecutor() as executor` waits at its end; so do task groups."""
    if not isinstance(expr, model.CallRef):
        return False
    written = spelled(facts.calls[expr.index].func, facts)
    return written.endswith(("Executor", "Pool", "TaskGroup", "open_nursery", "create_task_group"))
