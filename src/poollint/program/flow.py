"""Where an engine goes after it is made, and whether the code that made it disposes of it.

A local, flow-insensitive walk over one scope: the names that hold the engine, the sessions and connections built on it,
and what leaves. Lexical release (finally, with, ExitStack, finalizers) is recognised; paths are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.loops import ancestors
from poollint.program.sites import Escape, Release, Span
from poollint.program.values import (
    BoundMethod,
    ClassValue,
    External,
    ExternalInstance,
    Function,
    functions_of,
)

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_SAME_POOL = frozenset({"execution_options", "sync_engine", "engine"})
_ON_ENGINE = frozenset(
    {
        "connect",
        "begin",
        "raw_connection",
        "dialect",
        "url",
        "pool",
        "execute",
        "scalar",
        "run_callable",
        "transaction",
        "table_names",
        "has_table",
    }
)
_CLEANUPS = frozenset(
    {
        "callback",
        "push_async_callback",
        "addfinalizer",
        "addCleanup",
        "addAsyncCleanup",
        "register",
        "call_on_close",
        "add_finalizer",
        "finalize",
        "defer",
    }
)
_CONTAINER_STORES = frozenset({"append", "add", "insert", "setdefault", "put", "extend", "update", "appendleft", "set"})


@dataclass(slots=True)
class Flow:
    """What was found out about one engine. `names` are the locals that hold the engine itself."""

    escapes: set[Escape] = field(default_factory=set)
    release: Release = Release.NEVER
    dispose_span: Span | None = None
    names: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    inline_into: str = ""
    in_scoped_session: bool = False


class Flows:
    """Computes flows; one per site."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of_call(self, path: str, index: int) -> Flow:
        """The flow of the engine that this call makes."""
        call = self._resolver.call(path, index)
        walk = _Walk(self._resolver, path, call.scope, {index})
        walk.run()
        self._position(path, index, call, walk)
        return walk.flow

    def of_parameter(self, function: Function, name: str, depth: int) -> Flow:
        """What a function does with an engine that it is given."""
        walk = _Walk(self._resolver, function.path, function.scope, set(), depth)
        walk.flow.names.add(name)
        walk.run()
        return walk.flow

    def of_attribute(self, path: str, scope: int, name: str) -> Flow | None:
        """What a method does with the engine that it reads from `self.name`; None when it is read from elsewhere."""
        walk = _Walk(self._resolver, path, scope, set())
        if not walk.reads_from_self(name):
            return None
        walk.flow.attributes.add(name)
        walk.run()
        return walk.flow

    def _position(self, path: str, index: int, call: model.Call, walk: _Walk) -> None:
        """The bare call as an argument: `Session(create_engine(url))`."""
        if call.role != "arg" or call.outer < 0:
            return
        outer = self._resolver.call(path, call.outer)
        direct = any(isinstance(each, model.CallRef) and each.index == index for each in outer.args)
        direct = direct or any(isinstance(each, model.CallRef) and each.index == index for _, each in outer.keywords)
        if direct:
            walk.flow.inline_into = _spelled(outer.func)


class _Walk:
    """One walk over a scope."""

    def __init__(self, resolver: Resolver, path: str, scope: int, seeds: set[int], depth: int = 0) -> None:
        self._resolver = resolver
        self._path = path
        self._index = scope
        self._scope = resolver.scope(path, scope)
        facts = resolver.project.facts(path)
        assert facts is not None
        self._facts = facts
        self._engines = set(seeds)
        self._inside: set[int] = set()
        self._inside_names: set[str] = set()
        self._depth = depth
        self.flow = Flow()

    def run(self) -> None:
        for _ in range(4):
            before = (
                len(self.flow.names),
                len(self._inside_names),
                len(self._inside),
                len(self._engines),
                len(self.flow.containers),
            )
            self._wrap()
            for op in self._scope.ops:
                self._op(op)
            after = (
                len(self.flow.names),
                len(self._inside_names),
                len(self._inside),
                len(self._engines),
                len(self.flow.containers),
            )
            if before == after:
                break
        self._calls()
        self._nested()

    # ---------------------------------------------------------------------------------------------- what holds it
    def _holds(self, expr: model.Expr | None) -> str:
        """ "engine" when the expression is the engine, "inside" when it is a session or connection on it, "items" when
        it is a display that holds it, else ""."""
        if isinstance(expr, model.Name):
            if expr.id in self.flow.names:
                return "engine"
            if expr.id in self.flow.containers:
                return "items"
            return "inside" if expr.id in self._inside_names else ""
        if isinstance(expr, model.CallRef):
            return "engine" if expr.index in self._engines else "inside" if expr.index in self._inside else ""
        if isinstance(expr, model.Attr):
            if self._is_self(expr.value) and expr.attr in self.flow.attributes:
                return "engine"
            return "engine" if expr.attr in _SAME_POOL and self._holds(expr.value) == "engine" else ""
        if isinstance(expr, (model.Await, model.Walrus, model.Star)):
            return self._holds(expr.value)
        if isinstance(expr, model.Conditional):
            return self._holds(expr.body) or self._holds(expr.orelse)
        if isinstance(expr, model.Bool):
            return next((found for item in expr.items if (found := self._holds(item))), "")
        if isinstance(expr, model.Items):
            kinds = {self._holds(item) for item in expr.items}
            return "items" if kinds & {"engine", "items"} else "inside" if "inside" in kinds else ""
        if isinstance(expr, model.Mapping):
            kinds = {self._holds(item) for item in expr.values}
            return "items" if kinds & {"engine", "items"} else "inside" if "inside" in kinds else ""
        if isinstance(expr, model.Comprehension):
            return "items" if any(self._holds(item) for item in expr.elements) else ""
        return ""

    def _is_self(self, expr: model.Expr) -> bool:
        parameters = self._scope.parameters
        return isinstance(expr, model.Name) and bool(parameters) and expr.id == parameters[0].name

    def reads_from_self(self, name: str) -> bool:
        """The scope is a method, and nothing in it reads an attribute of this name from anything but its first
        parameter."""
        if not self._is_method():
            return False
        found = False
        for index in self._scope.calls:
            call = self._facts.calls[index]
            for expr in (call.func, *call.args, *(value for _, value in call.keywords)):
                for attr in _attributes(expr):
                    if attr.attr == name:
                        if not self._is_self(attr.value):
                            return False
                        found = True
        for op in self._scope.ops:
            for attr in _attributes(op.value) if op.value is not None else ():
                if attr.attr == name:
                    if not self._is_self(attr.value):
                        return False
                    found = True
        return found

    def _wrap(self) -> None:
        """Calls whose result is the same engine, or a session, factory or connection on it."""
        for index in self._scope.calls:
            call = self._facts.calls[index]
            if index in self._engines or index in self._inside:
                continue
            func = call.func
            if isinstance(func, model.Attr):
                receiver = self._holds(func.value)
                if receiver == "engine" and func.attr in _SAME_POOL:
                    self._engines.add(index)
                elif (receiver == "engine" and func.attr in _ON_ENGINE) or (
                    receiver == "inside"
                    and func.attr
                    not in (
                        "close",
                        "commit",
                        "rollback",
                        "execute",
                        "scalar",
                        "scalars",
                    )
                ):
                    self._inside.add(index)
            elif self._holds(func) == "inside":
                self._inside.add(index)
            if self._holds_argument(call) and self._wraps(index, call):
                self._inside.add(index)
                if isinstance(func, model.Attr) and func.attr == "configure":
                    # `Session.configure(bind=engine)`: from here on the factory itself holds the engine.
                    self._bind(func.value, None, "inside")

    def _holds_argument(self, call: model.Call) -> str:
        for argument in (*call.args, *(value for _, value in call.keywords)):
            found = self._holds(argument)
            if found:
                return found
        return ""

    def _wraps(self, index: int, call: model.Call) -> bool:
        library = self._resolver.library
        for value in self._resolver.values(self._path, call.scope, call.func):
            if isinstance(value, (External, ExternalInstance)):
                if library.session_factory(value.fqn) is not None:
                    if value.fqn.rpartition(".")[2] in ("scoped_session", "async_scoped_session"):
                        self.flow.in_scoped_session = True
                    return True
                row = library.borrower(value.fqn)
                if row is not None and row.wraps:
                    return True
            elif isinstance(value, ClassValue):
                bases = self._resolver.classes.external_bases(value)
                if any(library.session_factory(base) is not None for base in bases):
                    return True
        del index
        return False

    # ---------------------------------------------------------------------------------------------- where it goes
    def _op(self, op: model.Op) -> None:
        held = self._holds(op.value)
        if not held:
            return
        if op.kind == "return":
            self.flow.escapes.add(Escape.RETURNED_INSIDE if held == "inside" else Escape.RETURNED)
        elif op.kind == "yield":
            self.flow.escapes.add(Escape.RETURNED_INSIDE if held == "inside" else Escape.YIELDED)
        elif op.kind in ("bind", "with", "for", "aug") and op.target is not None:
            self._bind(op.target, op.value, "inside" if op.kind == "with" and held == "inside" else held)

    def _bind(self, target: model.Expr, value: model.Expr | None, held: str) -> None:
        if isinstance(target, model.Name):
            self._bind_name(target.id, held)
        elif isinstance(target, model.Items):
            if isinstance(value, model.Items) and len(value.items) == len(target.items):
                for inner, part in zip(target.items, value.items, strict=True):
                    kind = self._holds(part)
                    if kind:
                        self._bind(inner, part, kind)
            else:
                for inner in target.items:
                    self._bind(inner, None, held)
        elif isinstance(target, model.Attr):
            self._bind_attribute(target, held)
        elif isinstance(target, model.Subscript):
            self._into_container(target.value, held)

    def _bind_name(self, name: str, held: str) -> None:
        if self._scope.kind == "module" or name in self._scope.globals or self._is_outer(name):
            if held != "inside":
                self.flow.escapes.add(Escape.STORED_GLOBALLY)
                self.flow.names.add(name)
            else:
                self.flow.escapes.add(Escape.STORED_GLOBALLY)
                self._inside_names.add(name)
        elif name in self._scope.nonlocals:
            self.flow.escapes.add(Escape.CAPTURED)
        elif self._scope.kind == "class":
            self.flow.escapes.add(Escape.STORED_ON_CLASS)
            self.flow.names.add(name)
        elif held == "items":
            self.flow.containers.add(name)
        elif held == "inside":
            self._inside_names.add(name)
        else:
            self.flow.names.add(name)

    def _is_outer(self, name: str) -> bool:
        """The name is a variable of the module that this function does not rebind (`Session.configure(...)`)."""
        index = self._resolver.index(self._path)
        return index is not None and name not in index.names(self._index) and name in index.names(0)

    def _bind_attribute(self, target: model.Attr, held: str) -> None:
        if self._is_self(target.value) and self._is_method():
            names = self._resolver.decorator_names(self._path, self._index)
            on_class = "builtins.classmethod" in names or self._scope.name == "__new__"
            self.flow.escapes.add(Escape.STORED_ON_CLASS if on_class else Escape.STORED_ON_SELF)
            if held != "inside":
                self.flow.attributes.add(target.attr)
            return
        values = self._resolver.values(self._path, self._index, target.value)
        if any(isinstance(value, ClassValue) for value in values):
            self.flow.escapes.add(Escape.STORED_ON_CLASS)
        else:
            self.flow.escapes.add(Escape.STORED_ELSEWHERE)

    def _is_method(self) -> bool:
        parent = self._scope.parent
        return parent > 0 and self._facts.scopes[parent].kind == "class"

    def _into_container(self, place: model.Expr, held: str) -> None:
        if isinstance(place, model.Name):
            local = self._scope.kind in ("function", "lambda") and place.id not in self._scope.globals
            index = self._resolver.index(self._path)
            if local and index is not None and place.id in index.names(self._index):
                if not any(each.name == place.id for each in self._scope.parameters):
                    self.flow.containers.add(place.id)
                    return
        if held != "inside" or isinstance(place, model.Attr):
            self.flow.escapes.add(Escape.STORED_IN_CONTAINER)

    # ---------------------------------------------------------------------------------------------- calls
    def _calls(self) -> None:
        for index in self._scope.calls:
            call = self._facts.calls[index]
            self._disposal(index, call)
            if index in self._inside or index in self._engines:
                continue
            for slot, argument in (*enumerate(call.args), *call.keywords):
                held = self._holds(argument)
                if held:
                    self._passed(call, slot, held)
                elif (
                    isinstance(argument, model.Attr)
                    and argument.attr == "dispose"
                    and self._holds(argument.value) == "engine"
                ):
                    self._cleanup(call)

    def _disposal(self, index: int, call: model.Call) -> None:
        func = call.func
        if isinstance(func, model.Attr) and func.attr == "dispose":
            receiver = func.value
            if isinstance(receiver, model.Attr) and receiver.attr == "sync_engine":
                receiver = receiver.value
            if self._holds(receiver) == "engine" or self._from_container(receiver):
                self._released(call, self._is_certain(call.block))
        del index

    def _from_container(self, receiver: model.Expr) -> bool:
        """`for e in engines: e.dispose()` over a local container that holds the engine."""
        if not isinstance(receiver, model.Name):
            return False
        for op in self._scope.ops:
            if op.kind == "for" and isinstance(op.target, (model.Name, model.Items)) and _binds(op.target, receiver.id):
                source = op.value
                if isinstance(source, model.CallRef):
                    func = self._facts.calls[source.index].func
                    source = func.value if isinstance(func, model.Attr) else source
                if self._holds(source) == "items":
                    return True
        return False

    def _released(self, call: model.Call, certain: bool) -> None:
        span = Span(self._path, call.line, call.column, call.end_line, call.end_column)
        if certain:
            self.flow.release = Release.ALWAYS
        elif self.flow.release is Release.NEVER:
            self.flow.release = Release.HAPPY_PATH
        if self.flow.dispose_span is None or certain:
            self.flow.dispose_span = span

    def _is_certain(self, block: int) -> bool:
        """In a finally block, or in both the normal and the failing path is too fine for a lexical check."""
        return any(self._scope.blocks[each].kind == "finally" for each in ancestors(self._scope, block))

    def _cleanup(self, call: model.Call) -> None:
        """`stack.callback(engine.dispose)`, `request.addfinalizer(engine.dispose)`, `atexit.register(...)`."""
        name = _spelled(call.func).rpartition(".")[2]
        if name in _CLEANUPS:
            self._released(call, True)

    def _passed(self, call: model.Call, slot: int | str | None, held: str) -> None:
        """The engine (or a session on it) is an argument of a call that is neither a factory nor on the engine."""
        func = call.func
        if isinstance(func, model.Attr) and func.attr in _CONTAINER_STORES and not self._holds(func.value):
            if isinstance(func.value, (model.Name, model.Attr)) and not self._resolver.values(
                self._path, call.scope, func
            ):
                self._into_container(func.value, held)
                return
        if held == "inside":
            return
        values = self._resolver.values(self._path, call.scope, func)
        if not values:
            self._passed_to_unknown(func)
        for value in values:
            self._passed_to(value, call, slot)

    def _passed_to_unknown(self, func: model.Expr) -> None:
        if isinstance(func, model.Attr) and func.attr in _BORROWING_METHODS:
            return
        self.flow.escapes.add(Escape.PASSED_TO_OWNER)

    def _passed_to(self, value: object, call: model.Call, slot: int | str | None) -> None:
        library = self._resolver.library
        if isinstance(value, (External, ExternalInstance)):
            fqn = value.fqn
            if fqn in ("contextlib.closing", "contextlib.aclosing"):
                self._released(call, True)
            elif library.borrower(fqn) is None and not fqn.startswith(("builtins.", "logging.")):
                if fqn.rpartition(".")[2] not in _BORROWING_METHODS:
                    self.flow.escapes.add(Escape.PASSED_TO_OWNER)
        elif isinstance(value, ClassValue):
            self.flow.escapes.add(Escape.PASSED_TO_OWNER)
        elif isinstance(value, (Function, BoundMethod)):
            self._passed_to_function(value, call, slot)
        else:
            self.flow.escapes.add(Escape.PASSED_TO_OWNER)

    def _passed_to_function(self, value: Function | BoundMethod, call: model.Call, slot: int | str | None) -> None:
        if self._depth >= 3:
            self.flow.escapes.add(Escape.PASSED_TO_OWNER)
            return
        for function in functions_of(value):
            scope = self._resolver.scope(function.path, function.scope)
            name = _parameter_name(scope, slot, isinstance(value, BoundMethod))
            if not name:
                self.flow.escapes.add(Escape.PASSED_TO_OWNER)
                continue
            inner = Flows(self._resolver).of_parameter(function, name, self._depth + 1)
            kept = inner.escapes - {Escape.RETURNED, Escape.RETURNED_INSIDE, Escape.YIELDED}
            if kept or (Escape.RETURNED in inner.escapes):
                self.flow.escapes.add(Escape.PASSED_TO_OWNER)
            if inner.release is not Release.NEVER:
                self._released(call, self._is_certain(call.block))

    def _nested(self) -> None:
        """Functions defined here that use the engine outlive the call when they leave it."""
        if self._scope.kind not in ("function", "lambda"):
            return
        names = self.flow.names | self.flow.containers
        for child in self._scope.children:
            if self._uses(child, names):
                self.flow.escapes.add(Escape.CAPTURED)

    def _uses(self, scope_index: int, names: set[str]) -> bool:
        scope = self._facts.scopes[scope_index]
        for index in scope.calls:
            call = self._facts.calls[index]
            for expr in (call.func, *call.args, *(value for _, value in call.keywords)):
                if _mentions(expr, names):
                    return True
        for op in scope.ops:
            if op.value is not None and _mentions(op.value, names):
                return True
        return any(self._uses(child, names) for child in scope.children)


_BORROWING_METHODS = frozenset(
    {
        "create_all",
        "drop_all",
        "reflect",
        "to_sql",
        "read_sql",
        "read_sql_query",
        "read_sql_table",
        "inspect",
        "create",
        "drop",
        "prepare",
    }
)


def _parameter_name(scope: model.Scope, slot: int | str | None, bound: bool) -> str:
    positional = [each.name for each in scope.parameters if each.kind == "positional"]
    if isinstance(slot, int):
        slot += 1 if bound else 0
        return positional[slot] if slot < len(positional) else ""
    return slot if slot is not None and any(each.name == slot for each in scope.parameters) else ""


def _mentions(expr: model.Expr, names: set[str]) -> bool:
    if isinstance(expr, model.Name):
        return expr.id in names
    if isinstance(expr, (model.Attr, model.Await, model.Star, model.Not, model.Walrus)):
        return _mentions(expr.value, names)
    if isinstance(expr, (model.Items, model.Bool, model.Derived)):
        return any(_mentions(item, names) for item in expr.items)
    if isinstance(expr, model.Subscript):
        return _mentions(expr.value, names) or _mentions(expr.index, names)
    if isinstance(expr, model.Conditional):
        return _mentions(expr.body, names) or _mentions(expr.orelse, names)
    return False


def _attributes(expr: model.Expr) -> list[model.Attr]:
    """The attribute expressions in a dotted expression or display."""
    if isinstance(expr, model.Attr):
        return [expr, *_attributes(expr.value)]
    if isinstance(expr, (model.Items, model.Bool, model.Derived)):
        return [each for item in expr.items for each in _attributes(item)]
    if isinstance(expr, (model.Await, model.Star, model.Not, model.Walrus, model.Subscript)):
        return _attributes(expr.value)
    return []


def _binds(target: model.Expr, name: str) -> bool:
    if isinstance(target, model.Name):
        return target.id == name
    return isinstance(target, model.Items) and any(_binds(item, name) for item in target.items)


def _spelled(func: model.Expr) -> str:
    if isinstance(func, model.Attr):
        inner = _spelled(func.value)
        return f"{inner}.{func.attr}" if inner else func.attr
    return func.id if isinstance(func, model.Name) else ""
