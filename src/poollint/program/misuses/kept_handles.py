"""POL209: a session or connection that an object keeps, and threads that run the object's methods side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.library.model import Concurrent, Form, Kind
from poollint.program import spans
from poollint.program.classes import CONSTRUCTORS
from poollint.program.expressions import last_name, names_bound, values_given, without_await
from poollint.program.loops import ancestors, is_inside
from poollint.program.mentions import called_as
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.sites import Span, Step
from poollint.program.values import BoundMethod, External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import EntryPoint
    from poollint.program.lifetimes.making import Makings
    from poollint.program.misuses.typed import Typed
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.values import ClassValue

_THREADS = frozenset({Kind.THREAD, Kind.EVENT, Kind.PER_ITEM})
_BY_THEMSELVES = frozenset({Kind.EVENT, Kind.PER_ITEM})
"""What runs a function many times that it is given once."""
_LOOPS = frozenset({"for", "while", "comprehension"})
_LOCKS = frozenset({"threading.Lock", "threading.RLock", "threading.Semaphore", "threading.BoundedSemaphore"})


class KeptHandles(Finder):
    """Looks at bound methods that threads are given."""

    markers = (b"Thread(", b".submit(", b"Executor", b"Pool", b"run_in_executor(", b"callback=", b".subscribe(")

    def __init__(self, resolver: Resolver, typed: Typed, places: Places, makings: Makings) -> None:
        self._resolver = resolver
        self._typed = typed
        self._places = places
        self._makings = makings
        self._names = resolver.library.registering_names(_THREADS)

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The calls of a file that let several threads loose on one object."""
        wanted = called_as(facts, self._names)
        for index, call in enumerate(facts.calls):
            if last_name(call.func) not in wanted:
                continue
            methods = [given for given in values_given(call) if isinstance(given, model.Attr)]
            methods = [given for given in methods if self._is_one_object(facts, call, given.value)]
            if not methods or not any(self._repeats(path, index, row) for row in self._rows(path, index)):
                continue
            found = (self._of_method(path, facts, call, given) for given in methods)
            misuse = next((each for each in found if each is not None), None)
            if misuse is not None:
                yield misuse

    def _rows(self, path: str, index: int) -> list[EntryPoint]:
        library = self._resolver.library
        values = [value for value in self._resolver.callee(path, index) if isinstance(value, External)]
        rows = (row for value in values for row in library.entry_points(value.fqn))
        return [row for row in rows if row.form in (Form.CALL, Form.METHOD) and row.kind in _THREADS]

    def _repeats(self, path: str, index: int, row: EntryPoint) -> bool:
        """The function runs in several threads at once: it is mapped, called for each event, or started in a loop."""
        if row.concurrent is not Concurrent.YES:
            return False
        call = self._resolver.call(path, index)
        scope = self._resolver.scope(path, call.scope)
        around = (scope.blocks[each].kind for each in ancestors(scope, call.block))
        return row.kind in _BY_THEMSELVES or not _LOOPS.isdisjoint(around)

    def _is_one_object(self, facts: model.ModuleFacts, call: model.Call, owner: model.Expr) -> bool:
        """The object is not made anew in each pass of the loops around the call."""
        if not isinstance(owner, model.Name):
            return False
        scope = facts.scopes[call.scope]
        for each in ancestors(scope, call.block):
            if scope.blocks[each].kind in _LOOPS:
                if owner.id in names_bound(scope.blocks[each].target):
                    return False
                if any(owner.id in names_bound(op.target) and is_inside(scope, op.block, each) for op in scope.ops):
                    return False
        return True

    # ---------------------------------------------------------------------------------------------- the method
    def _of_method(self, path: str, facts: model.ModuleFacts, call: model.Call, given: model.Attr) -> Misuse | None:
        for value in self._resolver.values(path, call.scope, given):
            if not isinstance(value, BoundMethod):
                continue
            home, number = value.function.path, value.function.scope
            cls = self._resolver.defining_class(home, number)
            kept = self._kept(cls) if cls is not None and not self._is_locked(home, number) else {}
            for name, (kind, line) in sorted(kept.items()):
                used = self._use(home, number, name)
                if used is not None and cls is not None:
                    return Misuse(
                        MisuseKind.CROSSES_THREADS,
                        spans.of(path, call),
                        facts.scopes[call.scope].qualname,
                        f"self.{name}",
                        detail=kind,
                        related=(
                            Step(Span(cls.path, line, 0, line, 0), f"the object makes its {kind} once"),
                            Step(spans.of(home, used), "each thread uses it here"),
                        ),
                        grave=True,
                        in_test=self._places.is_test(path),
                        in_migration=self._places.is_migration(path),
                    )
        return None

    def _kept(self, cls: ClassValue) -> dict[str, tuple[str, int]]:
        """The attributes that a constructor sets to a session or connection that it makes: kind and line."""
        facts = self._resolver.facts(cls.path)
        found: dict[str, tuple[str, int]] = {}
        for child in facts.scopes[cls.scope].children:
            scope = facts.scopes[child]
            for op in scope.ops if scope.name in CONSTRUCTORS and scope.parameters else ():
                value = without_await(op.value) if op.value is not None else None
                if not isinstance(value, model.CallRef) or (cls.path, value.index) not in self._makings.made:
                    continue
                handle = self._typed.handle(cls.path, child, value)
                target = op.target
                if handle is not None and isinstance(target, model.Attr) and isinstance(target.value, model.Name):
                    if target.value.id == scope.parameters[0].name and not self._comes_from_registry(cls.path, value):
                        found[target.attr] = (handle.kind, op.line)
        return found

    def _comes_from_registry(self, path: str, value: model.CallRef) -> bool:
        call = self._resolver.call(path, value.index)
        return self._typed.is_registry(path, call.scope, call.func) or self._typed.is_registry(path, call.scope, value)

    def _use(self, path: str, number: int, name: str) -> model.Call | None:
        """The first statement of the method on the attribute."""
        facts = self._resolver.facts(path)
        parameters = facts.scopes[number].parameters
        for index in facts.scopes[number].calls if parameters else ():
            func = facts.calls[index].func
            owner = func.value if isinstance(func, model.Attr) else None
            if isinstance(owner, model.Attr) and owner.attr == name and isinstance(owner.value, model.Name):
                if owner.value.id == parameters[0].name:
                    return facts.calls[index]
        return None

    def _is_locked(self, path: str, number: int) -> bool:
        """The method takes a lock."""
        for block in self._resolver.scope(path, number).blocks:
            if block.kind == "with" and block.test is not None:
                values = self._resolver.values(path, number, block.test)
                if any(isinstance(value, ExternalInstance) and value.fqn in _LOCKS for value in values):
                    return True
        return False
