"""Finds the calls that make sessions and connections, also through the program's own factories."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import assignments, is_call, last_name, names_bound, without_await
from poollint.program.lifetimes.bound import Bound
from poollint.program.lifetimes.returned import Returned, ReturnedHandles
from poollint.program.lifetimes.session_classes import SessionClasses
from poollint.program.lifetimes.states import Phase, State
from poollint.program.lifetimes.walk import Exit
from poollint.program.mentions import called_as
from poollint.program.values import ClassValue, External, ExternalInstance, Function, functions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from poollint.library.model import Handle, HandleMaker
    from poollint.program.lifetimes.passing import Passing
    from poollint.program.lifetimes.tracker import Tracker
    from poollint.program.lifetimes.walk import Outcome
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.values import Value

_Answer = TypeVar("_Answer")

MARKERS = (b".connect(", b".raw_connection(", b".begin(")
_OWN_NAMES = ("scoped_session", "connect", "raw_connection", "begin", "Session", "AsyncSession", "create_session")
_CONNECT = "sqlalchemy.engine.Engine.connect"
_CONNECTION = "sqlalchemy.engine.Connection"
_DEEPEST = 8
_REGISTRY = "sqlalchemy.orm.scoped_session"


class Making(Struct, frozen=True):
    """A call that gives a new handle. `starts` is the phase that a factory of the program leaves it in.

    `hinted`: the type of the engine is not known; that SQLAlchemy's statements run on the result tells what it is.
    `shared`: a registry that outlives the function keeps it.
    """

    path: str
    call: int
    maker: HandleMaker
    handle: Handle
    fqn: str
    starts: Phase = Phase.OPEN
    factory: Function | None = None
    hinted: bool = False
    shared: bool = False


class Makings:
    """Looks for calls by the names that makers go by, and resolves only those."""

    def __init__(self, resolver: Resolver, mentions: Mentions, passing: Passing) -> None:
        self._resolver = resolver
        self._library = resolver.library
        self._mentions = mentions
        self._passing = passing
        self._bound = Bound(resolver)
        self._classes_of_sessions = SessionClasses(resolver)
        self.made: frozenset[tuple[str, int]] = frozenset()
        """(path, call) of all that `of` has found."""
        self.names: frozenset[bytes] = frozenset()
        """What the program calls the functions, classes and variables that hand them out, and their own classes."""
        self._trackers: dict[tuple[str, int], Tracker] = {}
        self._outcomes: dict[tuple[str, int], Outcome[State]] = {}
        self._returned = ReturnedHandles()

    def of(self, paths: Iterable[str]) -> list[Making]:
        """All calls that make handles in these files, and in the files that call what these files hand out."""
        found: dict[tuple[str, int], Making] = {}
        pending: list[tuple[str, str]] = [(path, "") for path in paths]
        seen = set(pending)
        names: set[str] = set()
        while pending:
            path, name = pending.pop()
            handed_out: list[tuple[str, str]] = []
            for making in self._in_file(path, name):
                key = (making.path, making.call)
                if key not in found:
                    found[key] = making
                    handed_out.extend(self._handed_out(making))
            handed_out.extend((path, each) for each in sorted(set(self._factory_names(path, name)) - {name}))
            if not name:
                handed_out.extend((path, each) for each in self._classes(path))
            for home, each in handed_out:
                names.add(each)
                added = {(other, each) for other in (home, *self._calling(home, each))} - seen
                seen |= added
                pending.extend(sorted(added))
        self.made = frozenset(found)
        self.names = frozenset(name.encode(errors="surrogateescape") for name in (*_OWN_NAMES, *names))
        return [found[key] for key in sorted(found)]

    def _calling(self, home: str, name: str) -> list[str]:
        """The files that call something of this name, and can name the module that hands it out.

        No file is parsed for the answer: one that mentions the name and the module may hand the name on.
        """
        project = self._resolver.project
        begins = f"{name}.begin(".encode(errors="surrogateescape")
        mentioning = frozenset(project.mentioning(name))
        calling = {*project.calling(name), *(path for path in mentioning if begins in project.data(path))}
        if not calling - {home}:
            return sorted(calling)
        found = {home}
        tails = {project.tail(home)}
        pending = [project.tail(home)]
        while pending:
            for path in project.mentioning(pending.pop()):
                if path in found or (path not in mentioning and path not in project.starring):
                    continue
                found.add(path)
                if project.tail(path) not in tails:
                    tails.add(project.tail(path))
                    pending.append(project.tail(path))
        return sorted(calling & found)

    def _in_file(self, path: str, name: str) -> Iterator[Making]:
        """The makings of a file that call something of this name, or ("") one of a library's own names."""
        facts = self._resolver.project.facts(path)
        if facts is None:
            return
        wanted = called_as(facts, frozenset({name}) if name else frozenset(_OWN_NAMES))
        for index, call in enumerate(facts.calls):
            called = last_name(call.func)
            if called in wanted or (called == "begin" if name else isinstance(call.func, model.CallRef)):
                making = self._tried(path, call.line, partial(self.making, path, index))
                if making is not None:
                    yield making

    def _tried(self, path: str, line: int, ask: Callable[[], _Answer | None]) -> _Answer | None:
        """The answer; where looking for it fails, that is noted for the place, and nothing is known of it."""
        try:
            return ask()
        except Exception as error:
            self._resolver.project.failed(path, line, error)
            return None

    def _factory_names(self, path: str, name: str) -> Iterator[str]:
        """The variables, attributes and functions of a file that hand out a sessionmaker.

        `name`: what hands it out elsewhere, "" for the library's own classes.
        """
        facts = self._resolver.project.facts(path)
        if facts is None:
            return
        wanted = called_as(facts, frozenset({name}) if name else self._library.session_factory_names)
        for number, scope in enumerate(facts.scopes):
            for op in scope.ops:
                if op.value is None or op.kind not in ("bind", "return"):
                    continue
                value = without_await(op.value)
                source = facts.calls[value.index].func if isinstance(value, model.CallRef) else value
                target = last_name(op.target) if op.kind == "bind" else scope.name
                if target and last_name(source) in wanted:
                    if any(self._makes_handles(each) for each in self._resolver.values(path, number, value)):
                        yield target

    def _classes(self, path: str) -> Iterator[str]:
        """Classes of the file that derive from a session class."""
        facts = self._resolver.project.facts(path)
        wanted = called_as(facts, frozenset(_OWN_NAMES)) if facts is not None else frozenset()
        for number, scope in enumerate(facts.scopes if facts is not None else ()):
            if any(last_name(base) in wanted for base in scope.bases) and self._name(ClassValue(path, number)):
                yield scope.name

    def _makes_handles(self, value: Value) -> bool:
        return isinstance(value, ExternalInstance) and self._library.handle_maker(f"{value.fqn}.__call__") is not None

    def _handed_out(self, making: Making) -> Iterator[tuple[str, str]]:
        """The function whose result the new handle is: its calls make handles too."""
        call = self._resolver.call(making.path, making.call)
        scope = self._resolver.scope(making.path, call.scope)
        result = partial(self._result, Function(making.path, call.scope))
        if scope.kind == "function" and self._tried(making.path, call.line, result) is not None:
            yield making.path, scope.name

    # ---------------------------------------------------------------------------------------------- one call
    def making(self, path: str, index: int) -> Making | None:
        """The handle that a call gives, or None."""
        for value in self._resolver.callee(path, index):
            fqn = self._name(value)
            maker = self._library.handle_maker(fqn) if fqn else None
            if maker is not None:
                handle = self._library.handle(maker.makes)
                if handle is None or (handle.kind == "session" and self._bound.to_connection(path, index)):
                    return None
                if maker.proxy and not self._stands_for_a_session(path, index, handle):
                    return None
                shared = maker.registry and not self._is_made_here(path, index)
                handle = self._classes_of_sessions.handle(value, handle)
                return Making(path, index, maker, handle, fqn, shared=shared)
            for function in functions_of(value):
                result = self._result(function)
                if result is not None:
                    maker = result.maker
                    return Making(path, index, maker, result.handle, maker.fqn, result.phase, function)
        return self._by_its_statements(path, index)

    def _by_its_statements(self, path: str, index: int) -> Making | None:
        """`x = unknown.connect()`, then `x.execute(select(...))`: nothing else executes SQLAlchemy's constructs."""
        call = self._resolver.call(path, index)
        if not isinstance(call.func, model.Attr) or call.func.attr != "connect" or call.args or call.keywords:
            return None
        receivers = self._resolver.values(path, call.scope, call.func.value)
        if not all(isinstance(value, (External, ExternalInstance)) for value in receivers):
            return None
        facts = self._resolver.facts(path)
        scope = facts.scopes[call.scope]
        names = {name for op in scope.ops if is_call(op.value, index) for name in names_bound(op.target)}
        for each in scope.calls:
            func = facts.calls[each].func
            if not isinstance(func, model.Attr) or func.attr != "execute" or not facts.calls[each].args:
                continue
            if (isinstance(func.value, model.Name) and func.value.id in names) or is_call(func.value, index):
                values = self._resolver.values(path, call.scope, facts.calls[each].args[0])
                if any(isinstance(v, ExternalInstance) and v.fqn.startswith("sqlalchemy.") for v in values):
                    maker, handle = self._library.handle_maker(_CONNECT), self._library.handle(_CONNECTION)
                    if maker is not None and handle is not None:
                        return Making(path, index, maker, handle, _CONNECT, hinted=True)
        return None

    def _name(self, value: Value) -> str:
        if isinstance(value, External):
            return value.fqn
        if isinstance(value, ExternalInstance):
            return f"{value.fqn}.__call__"
        if isinstance(value, ClassValue):
            for base in self._resolver.classes.external_bases(value):
                if self._library.handle_maker(base) is not None:
                    return base
        return ""

    def _stands_for_a_session(self, path: str, index: int, handle: Handle) -> bool:
        """A registry in a variable of its function that is used like a session, and neither called nor returned."""
        facts = self._resolver.facts(path)
        scope = facts.scopes[facts.calls[index].scope]
        names = {name for op in scope.ops if is_call(op.value, index) for name in names_bound(op.target)}
        if scope.kind != "function" or not names or names & {*scope.globals, *scope.nonlocals}:
            return False
        calls = [facts.calls[each] for each in scope.calls]
        if any(isinstance(call.func, model.Name) and call.func.id in names for call in calls):
            return False
        if any(op.kind == "return" and isinstance(op.value, model.Name) and op.value.id in names for op in scope.ops):
            return False
        ends = {*handle.executes, *handle.commits, *handle.closes, *handle.lazy}
        return any(
            isinstance(call.func, model.Attr)
            and call.func.attr in ends
            and isinstance(call.func.value, model.Name)
            and call.func.value.id in names
            for call in calls
        )

    def _is_made_here(self, path: str, index: int) -> bool:
        """The registry that is called is new in this function: `scoped_session(factory)()` shares nothing."""
        call = self._resolver.call(path, index)
        func = call.func.value if isinstance(call.func, model.Attr) else call.func
        if isinstance(func, model.CallRef):
            return True
        scope = self._resolver.scope(path, call.scope)
        if scope.kind != "function" or not isinstance(func, model.Name) or func.id in scope.globals:
            return False
        made = [op for op in assignments(scope, func.id) if isinstance(op.value, model.CallRef)]
        return any(
            value == ExternalInstance(self._library.canonical(_REGISTRY))
            for op in made
            for value in self._resolver.values(path, call.scope, op.value)
        ) and all(isinstance(op.value, model.CallRef) for op in assignments(scope, func.id))

    def fresh_making(self, function: Function) -> Making | None:
        """The call in a function of the program that makes what the function returns; None where nothing is fresh."""
        if self._result(function) is None:
            return None
        scope = self._resolver.scope(function.path, function.scope)
        made = (self.making(function.path, index) for index in _returned_calls(scope))
        return next((each for each in made if each is not None and self._may_be_returned(each, scope)), None)

    def always_gives(self, function: Function, depth: int = 0) -> bool:
        """Every `return` of the function gives the handle that it makes, and it never ends without one."""
        making = self.fresh_making(function)
        if making is None or depth > _DEEPEST:
            return False
        if making.hinted or (making.factory is not None and not self.always_gives(making.factory, depth + 1)):
            return False
        scope = self._resolver.scope(function.path, function.scope)
        aliases = self._tracker(making).aliases
        returns = [op for op in scope.ops if op.kind == "return"]
        ends = self.walked(making)[1].exits.get(Exit.NEXT)
        return not ends and all(aliases.denotes(op.value, aliases.names) for op in returns)

    def _result(self, function: Function) -> Returned | None:
        """What a function of the program returns fresh."""
        return self._returned.of((function.path, function.scope), lambda: self._fresh(function))

    def _fresh(self, function: Function) -> Returned | None:
        scope = self._resolver.scope(function.path, function.scope)
        if scope.kind not in ("function", "lambda") or scope.is_generator:
            return None
        if any(self._library.memoizer(name) for name in self._resolver.decorator_names(function.path, function.scope)):
            return None
        for index in _returned_calls(scope):
            making = self.making(function.path, index)
            if making is None or making.shared or not self._may_be_returned(making, scope):
                continue
            seen = self.walked(making)[0].seen
            if seen.returned_in:
                return Returned(making.maker, making.handle, max(seen.returned_in))
        return None

    def _may_be_returned(self, making: Making, scope: model.Scope) -> bool:
        """Some `return` gives the handle, whatever the path: the walk says whether it is still open there."""
        aliases = self._tracker(making).aliases
        return any(op.kind == "return" and aliases.denotes(op.value, aliases.names) for op in scope.ops)

    def _tracker(self, making: Making) -> Tracker:
        key = (making.path, making.call)
        if key not in self._trackers:
            scope = self._resolver.call(making.path, making.call).scope
            self._trackers[key] = self._passing.tracker(
                making.path, scope, making.handle, making.call, starts=making.starts
            )
        return self._trackers[key]

    def walked(self, making: Making) -> tuple[Tracker, Outcome[State]]:
        """The handle followed through the scope that makes it: what was seen of it, and all exits."""
        key = (making.path, making.call)
        tracker = self._tracker(making)
        if key not in self._outcomes:
            scope = self._resolver.call(making.path, making.call).scope
            self._outcomes[key] = self._passing.walk(tracker, making.path, scope, State(Phase.ABSENT))
        return tracker, self._outcomes[key]


def _returned_calls(scope: model.Scope) -> list[int]:
    """The calls whose result a function may return, directly or through variables."""
    found: set[int] = set()
    names: set[str] = set()
    pending = [op.value for op in scope.ops if op.kind == "return" and op.value is not None]
    while pending:
        expr = pending.pop()
        if isinstance(expr, model.CallRef):
            found.add(expr.index)
        elif isinstance(expr, model.Name):
            if expr.id not in names:
                names.add(expr.id)
                pending.extend(
                    op.value for op in scope.ops if op.value is not None and expr.id in names_bound(op.target)
                )
        elif isinstance(expr, (model.Await, model.Walrus, model.Attr)):
            pending.append(expr.value)
        elif isinstance(expr, model.Conditional):
            pending.extend((expr.body, expr.orelse))
        elif isinstance(expr, model.Bool):
            pending.extend(expr.items)
    return sorted(found)
