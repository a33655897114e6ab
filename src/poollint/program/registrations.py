"""How libraries run the program's code: rows of knowledge, and the predicates that no dotted name describes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.library.model import Calls, Concurrent, Form, Kind
from poollint.program import spans, words
from poollint.program.expressions import last_name
from poollint.program.graph import Construct, Run, Source
from poollint.program.loops import repeating_loop
from poollint.program.references import Position, References, Role
from poollint.program.sites import Confidence, Span, Times
from poollint.program.values import (
    ClassValue,
    External,
    ExternalInstance,
    Function,
    Value,
    Values,
)

if TYPE_CHECKING:
    from poollint.library.model import EntryPoint, ReceiverHint
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.predicates import Predicates

_IGNORED = frozenset({Kind.RETRY, Kind.TEST, Kind.FIXTURE})
_TIMES = {
    Calls.MANY: Times.MANY,
    Calls.PER_PROCESS: Times.PER_PROCESS,
    Calls.ONCE: Times.ONCE,
}


class Registration(Struct, frozen=True):
    """A call that an argument may be registered by."""

    path: str
    position: Position
    call: model.Call
    span: Span


class Registrations:
    """Turns rows and predicates into sources."""

    def __init__(self, resolver: Resolver, places: Places, predicates: Predicates) -> None:
        self._resolver = resolver
        self._library = resolver.library
        self._places = places
        self._predicates = predicates

    # ---------------------------------------------------------------------------------------------- definitions
    def of_definition(self, function: Function, sources: list[Source]) -> None:
        """Decorators of the function, and facts about its name and place."""
        self._decorators(function, function.scope, sources)
        self._predicates.of_function(function, sources)

    def of_class(self, cls: ClassValue, sources: list[Source]) -> None:
        """Decorators of a class and rows that say how often its framework constructs it."""
        self._decorators(cls, cls.scope, sources)
        scope = self._resolver.scope(cls.path, cls.scope)
        for base in self._resolver.classes.external_bases(cls):
            for row in self._library.subclass_entry_points(base):
                if "__init__" in row.methods:
                    span = _definition(cls.path, scope)
                    text = f"{scope.name} is made once per {words.unit(row.kind)} ({words.short(base)})"
                    sources.append(self._outside(row, span, text, f"{words.short(base)} at {words.place(span)}"))
                    return
        self._predicates.of_class(cls, sources)

    def _decorators(self, target: Function | ClassValue, scope_index: int, sources: list[Source]) -> None:
        scope = self._resolver.scope(target.path, scope_index)
        outer = max(scope.parent, 0)
        name = words.target(self._resolver, target)
        for decorator in scope.decorators:
            func, configured = self._resolver.decorating(target.path, decorator)
            span = spans.of(target.path, decorator)
            values = self._resolver.values(target.path, outer, func)
            rows = self._rows(values, (Form.DECORATOR,))
            for fqn, row in rows:
                if row.kind in _IGNORED or (row.deco == "called" and configured is None and row.kind is not Kind.JOB):
                    continue
                text = words.registered(f"{name}()", row, words.short(fqn))
                sources.append(self._source(row, span, text, target.path, outer, scope.parent_block))
            if not rows and _unresolved(self._resolver, values) and isinstance(func, model.Attr):
                self._decorator_hints(target, func, span, name, sources)

    def _decorator_hints(
        self, target: Function | ClassValue, func: model.Attr, span: Span, name: str, sources: list[Source]
    ) -> None:
        for hint in self._library.hints(func.attr):
            if hint.form is Form.DECORATOR and _hint_matches(hint, func.value):
                text = f"{name}() looks like a {words.unit(hint.kind)} handler: decorated with {_text(func)}"
                sources.append(self._hinted(hint, span, text))

    def of_method(
        self, function: Function, owner: ClassValue, subclasses: tuple[ClassValue, ...], sources: list[Source]
    ) -> None:
        """A library calls methods of this name on subclasses of its class."""
        scope = self._resolver.scope(function.path, function.scope)
        for cls in (owner, *subclasses):
            if cls != owner and self._resolver.classes.method(cls, scope.name) != (owner, function.scope):
                continue
            for base in self._resolver.classes.external_bases(cls):
                for row in self._library.subclass_entry_points(base):
                    if row.kind in _IGNORED or not any(fnmatchcase(scope.name, pattern) for pattern in row.methods):
                        continue
                    span = _definition(function.path, scope)
                    text = f"{words.scope(scope)} runs once per {words.unit(row.kind)}: {words.short(base)} calls it"
                    if row.calls is Calls.PER_START:
                        caller = Construct(cls.path, cls.scope)
                        sources.append(self._from(row, span, text, caller, None))
                    else:
                        sources.append(self._outside(row, span, text, f"{words.short(base)} at {words.place(span)}"))
            self._predicates.of_method(function, cls, sources)

    # ---------------------------------------------------------------------------------------------- calls
    def of_argument(self, at: Registration, callees: Values, target: Value, sources: list[Source]) -> bool:
        """The target is an argument of a call: True when a row says what the callee does with it."""
        name = words.target(self._resolver, target)
        found = False
        for fqn, row in self._rows(callees, (Form.CALL, Form.METHOD)):
            if not any(_matches(each, at.position.slot) and not each.instance_methods for each in row.callable):
                continue
            found = True
            if row.kind in _IGNORED:
                continue
            if self._is_cached_provider(at.call, fqn):
                sources.append(Source(at.span, f"{name}() is provided once", None, Times.ONCE, "once", is_call=False))
                continue
            text = f"{name}() runs once per {words.unit(row.kind)}: passed to {words.short(fqn)}()"
            sources.append(self._source(row, at.span, text, at.path, at.position.scope, at.position.block))
        if found:
            return True
        if self._predicates.of_argument(at, name, sources):
            return True
        if self._factory_argument(at, callees, name, sources):
            return True
        if isinstance(at.call.func, model.Attr) and _unresolved(self._resolver, callees):
            return self._hints(at, at.call.func, name, sources)
        return False

    def of_instance(self, at: Registration, callees: Values, method: str, sources: list[Source]) -> None:
        """An instance is an argument of a call whose row names the methods that are called on it."""
        for fqn, row in self._rows(callees, (Form.CALL, Form.METHOD)):
            for argument in row.callable:
                if not _matches(argument, at.position.slot):
                    continue
                if any(fnmatchcase(method, pattern) for pattern in argument.instance_methods):
                    text = (
                        f"{method}() runs once per {words.unit(row.kind)}: its object is passed to {words.short(fqn)}()"
                    )
                    sources.append(self._source(row, at.span, text, at.path, at.position.scope, at.position.block))

    def _is_cached_provider(self, call: model.Call, fqn: str) -> bool:
        """A provider that keeps its value across requests when told so (litestar's `use_cache=True`)."""
        row = self._library.memoizer(fqn)
        if row is None:
            return False
        given = {name: value.value for name, value in call.keywords if isinstance(value, model.Const)}
        return all(given.get(keyword) == wanted for keyword, wanted in row.requires.items())

    def _factory_argument(self, at: Registration, callees: Values, name: str, sources: list[Source]) -> bool:
        """`providers.Factory(make_engine)`: a new value at every call. `providers.Singleton` makes one."""
        for value in callees:
            if not isinstance(value, External):
                continue
            anti = self._library.anti_memoizer(value.fqn)
            if anti is not None and anti.callable is not None and _matches(anti.callable, at.position.slot):
                text = f"{name}() runs at every use of {words.short(value.fqn)}()"
                entry = f"{words.short(value.fqn)} at {words.place(at.span)}"
                times = Times.PER_THREAD if anti.effect == "thread" else Times.MANY
                sources.append(Source(at.span, text, None, times, "dependency", "use", entry, is_call=False))
                return True
            memo = self._library.memoizer(value.fqn)
            if memo is not None and memo.callable is not None and _matches(memo.callable, at.position.slot):
                text = f"{name}() runs once: {words.short(value.fqn)}() keeps its value"
                sources.append(Source(at.span, text, None, Times.ONCE, "once", is_call=False))
                return True
        return False

    def _hints(self, at: Registration, func: model.Attr, name: str, sources: list[Source]) -> bool:
        found = False
        for hint in self._library.hints(func.attr):
            if hint.form is Form.DECORATOR or not any(_matches(each, at.position.slot) for each in hint.callable):
                continue
            if hint.requires_kw and at.position.slot != hint.requires_kw:
                continue
            if _hint_matches(hint, func.value):
                found = True
                text = f"{name}() runs once per {words.unit(hint.kind)}: passed to {_text(func)}()"
                sources.append(self._hinted(hint, at.span, text))
        return found

    def of_result(self, path: str, position: Position, sources: list[Source], references: References | None) -> None:
        """The target is called and the coroutine goes to something that runs it: a context, not a frequency."""
        if position.role is not Role.CALLEE or references is None:
            return
        outer = references.call(position.index)
        if outer is None or outer.role is not Role.ARGUMENT:
            return
        call = self._resolver.call(path, outer.index)
        callees = self._resolver.values(path, outer.scope, call.func)
        for fqn, row in self._rows(callees, (Form.CALL, Form.METHOD)):
            if any(argument.coro and _matches(argument, outer.slot) for argument in row.callable):
                span = spans.of(path, call)
                text = f"it runs as a {words.unit(row.kind)}: passed to {words.short(fqn)}()"
                sources.append(self._source(row, span, text, path, outer.scope, outer.block))

    def of_assignment(self, path: str, position: Position, op: model.Op, target: Value, sources: list[Source]) -> None:
        """`client.on_message = callback`."""
        if not isinstance(op.target, model.Attr):
            return
        values = self._resolver.values(path, position.scope, op.target)
        name = words.target(self._resolver, target)
        span = spans.of(path, position)
        rows = self._rows(values, (Form.ASSIGN,))
        for fqn, row in rows:
            text = words.registered(f"{name}()", row, words.short(fqn))
            sources.append(self._source(row, span, text, path, position.scope, position.block))
        if not rows and _unresolved(self._resolver, values):
            for hint in self._library.hints(op.target.attr):
                if hint.form is Form.ASSIGN and _hint_matches(hint, op.target.value):
                    text = f"{name}() looks like a {words.unit(hint.kind)} handler: assigned to {_text(op.target)}"
                    sources.append(self._hinted(hint, span, text))

    # ---------------------------------------------------------------------------------------------- sources
    def _rows(self, values: Values, forms: tuple[Form, ...]) -> list[tuple[str, EntryPoint]]:
        found: list[tuple[str, EntryPoint]] = []
        for value in values:
            if isinstance(value, External):
                found.extend((value.fqn, row) for row in self._library.entry_points(value.fqn) if row.form in forms)
        return found

    def _source(self, row: EntryPoint, span: Span, text: str, path: str, scope: int, block: int) -> Source:
        if row.calls is Calls.PER_START or _is_handed_over(row):
            facts = self._resolver.facts(path)
            loop = repeating_loop(facts, facts.scopes[scope], block)
            loop_span = spans.of_line(path, facts.scopes[scope].blocks[loop].line) if loop is not None else None
            return self._from(row, span, text, Run(path, scope), loop_span)
        return self._outside(row, span, text, f"registered at {words.place(span)}")

    def _from(self, row: EntryPoint, span: Span, text: str, caller: object, loop: Span | None) -> Source:
        return Source(
            span,
            text,
            caller,  # type: ignore[arg-type]
            Times.MANY,
            row.kind.value,
            words.unit(row.kind),
            f"started at {words.place(span)}",
            loop,
            concurrent=row.concurrent is not Concurrent.NO,
            is_call=False,
            fallback=Times.MANY if row.calls is Calls.MANY else None,
        )

    def _outside(self, row: EntryPoint, span: Span, text: str, entry: str) -> Source:
        return Source(
            span,
            text,
            None,
            _TIMES.get(row.calls, Times.MANY),
            row.kind.value,
            words.unit(row.kind),
            entry,
            concurrent=row.concurrent is not Concurrent.NO,
            is_call=False,
        )

    def _hinted(self, hint: ReceiverHint, span: Span, text: str) -> Source:
        return Source(
            span,
            text,
            None,
            _TIMES.get(hint.calls, Times.MANY),
            hint.kind.value,
            words.unit(hint.kind),
            f"registered at {words.place(span)}",
            concurrent=hint.concurrent is not Concurrent.NO,
            confidence=Confidence.MEDIUM if hint.unique else Confidence.LOW,
            is_call=False,
        )


def _is_handed_over(row: EntryPoint) -> bool:
    """One run for each execution of the statement (`executor.submit(f)`); many where that is not known."""
    handed_over = row.kind in (Kind.THREAD, Kind.PROCESS, Kind.ASYNC_TASK)
    return row.calls is Calls.MANY and row.form in (Form.CALL, Form.METHOD) and handed_over


def _matches(argument: object, slot: int | str) -> bool:
    pos = getattr(argument, "pos", None)
    if isinstance(slot, int):
        return pos is not None and (slot == pos or (getattr(argument, "star", False) and slot >= pos))
    return slot == getattr(argument, "kw", None)


def _definition(path: str, scope: model.Scope) -> Span:
    return Span(path, scope.line, scope.column, scope.line, scope.column + len(scope.name) + 4)


def _unresolved(resolver: Resolver, values: Values) -> bool:
    """Nothing is known of the callee: it did not resolve, or to a library of which no row speaks."""
    return all(
        isinstance(value, (External, ExternalInstance)) and not resolver.library.knows(value.fqn) for value in values
    )


def _hint_matches(hint: ReceiverHint, receiver: model.Expr) -> bool:
    return any(fnmatchcase(last_name(receiver).lower().strip("_"), pattern) for pattern in hint.names)


def _text(expr: model.Expr) -> str:
    if isinstance(expr, model.Attr):
        return f"{_text(expr.value)}.{expr.attr}"
    return expr.id if isinstance(expr, model.Name) else "..."
