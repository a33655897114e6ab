"""Where an engine is put: what an assignment, return or yield makes of it, and which calls wrap it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import depends_on, evaluated, mentions, names_bound, place_filled, values_given
from poollint.program.holdings import SAME_POOL, Held
from poollint.program.sites import Escape
from poollint.program.values import ClassValue, External, ExternalInstance

if TYPE_CHECKING:
    from poollint.program.holdings import Holdings

_MOST_ROUNDS = 4
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
_GIVES_DATA = frozenset({"close", "commit", "rollback", "execute", "scalar", "scalars"})
"""Methods of sessions and connections whose result holds the pool no longer."""
_CONTAINER_STORES = frozenset({"append", "add", "insert", "setdefault", "put", "extend", "update", "appendleft", "set"})
_PARTIAL = "functools.partial"
_SCOPED = frozenset({"scoped_session", "async_scoped_session"})


class Storing:
    """Adds to the holdings of a scope, and to the flow what leaves it."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._flow = holdings.flow
        self._scope = holdings.scope
        self._resolver = holdings.resolver

    def settle(self) -> None:
        """Go over the scope until nothing new holds the engine."""
        for _ in range(_MOST_ROUNDS):
            before = self._holdings.size()
            self._wrap()
            self._put()
            for op in self._scope.ops:
                self._operation(op)
            if before == self._holdings.size():
                break

    # ---------------------------------------------------------------------------------------------- wrapping
    def _wrap(self) -> None:
        """Calls whose result is the same engine, or a session, factory or connection on it."""
        holdings = self._holdings
        for index in self._scope.calls:
            call = holdings.facts.calls[index]
            if index in holdings.engines or index in holdings.inside:
                continue
            self._wrap_receiver(index, call.func)
            if holdings.is_passed_to(call) and self._wraps(call):
                holdings.inside.add(index)
                if isinstance(call.func, model.Attr) and call.func.attr == "configure":
                    # `Session.configure(bind=engine)`: from here on the factory itself holds the engine.
                    self._bind(call.func.value, None, Held.INSIDE)

    def _wrap_receiver(self, index: int, func: model.Expr) -> None:
        """The call is a method of the engine, of something on it, or of a factory that holds it."""
        holdings = self._holdings
        if not isinstance(func, model.Attr):
            if holdings.of(func) is Held.INSIDE:
                holdings.inside.add(index)
            return
        receiver = holdings.of(func.value)
        if receiver is Held.ENGINE and func.attr in SAME_POOL:
            holdings.engines.add(index)
        elif receiver is Held.ENGINE:
            if func.attr in _ON_ENGINE:
                holdings.inside.add(index)
        elif receiver is Held.INSIDE:
            if func.attr not in _GIVES_DATA:
                holdings.inside.add(index)

    def _wraps(self, call: model.Call) -> bool:
        """The callee is a session factory, or keeps what it is given without owning it."""
        library = self._resolver.library
        for value in self._resolver.values(self._holdings.path, call.scope, call.func):
            if isinstance(value, (External, ExternalInstance)):
                if library.session_factory(value.fqn) is not None:
                    if value.fqn.rpartition(".")[2] in _SCOPED:
                        self._flow.in_scoped_session = True
                    return True
                row = library.borrower(value.fqn)
                if row is not None and row.wraps:
                    return True
            elif isinstance(value, ClassValue):
                bases = self._resolver.classes.external_bases(value)
                if any(library.session_factory(base) is not None for base in bases):
                    return True
        return False

    # ---------------------------------------------------------------------------------------------- containers
    def _put(self) -> None:
        """`engines.append(engine)`: the container holds it from now on, also one that was made on the spot."""
        for index in self._scope.calls:
            call = self._holdings.facts.calls[index]
            place = self.container_filled(call)
            if place is None:
                continue
            for argument in values_given(call):
                held = self._holdings.of(argument)
                if held is not None:
                    self._into_container(place, held)
                if isinstance(argument, model.CallRef) and held is Held.ENGINE:
                    self._flow.inline_into = ""

    def container_filled(self, call: model.Call) -> model.Expr | None:
        """The container that the call puts its arguments into, or None for any other call."""
        func = call.func
        if not isinstance(func, model.Attr) or func.attr not in _CONTAINER_STORES:
            return None
        place = place_filled(func.value)
        if not isinstance(place, (model.Name, model.Attr)):
            return None
        held = self._holdings.of(place)
        if held not in (None, Held.ITEMS) or self._resolver.values(self._holdings.path, call.scope, func):
            return None
        return place

    # ---------------------------------------------------------------------------------------------- operations
    def _operation(self, op: model.Op) -> None:
        held = self._holdings.of(op.value)
        if held is None:
            return
        if op.kind == "return":
            self._flow.escapes.add(Escape.RETURNED_INSIDE if held is Held.INSIDE else Escape.RETURNED)
        elif op.kind == "yield":
            self._flow.escapes.add(Escape.RETURNED_INSIDE if held is Held.INSIDE else Escape.YIELDED)
        elif op.kind in ("bind", "with", "for", "aug") and op.target is not None:
            self._bind(op.target, op.value, held)

    def _bind(self, target: model.Expr, value: model.Expr | None, held: Held) -> None:
        if isinstance(target, model.Name):
            self._bind_name(target.id, held)
        elif isinstance(target, model.Items):
            self._bind_items(target, value, held)
        elif isinstance(target, model.Attr):
            self._bind_attribute(target, held)
        elif isinstance(target, model.Subscript):
            self._into_container(target.value, held)
            if not self._is_local_place(target.value) and self._is_of_callers(target.index):
                self._flow.escapes.add(Escape.STORED_BY_KEY)

    def _bind_items(self, target: model.Items, value: model.Expr | None, held: Held) -> None:
        if not isinstance(value, model.Items) or len(value.items) != len(target.items):
            for inner in target.items:
                self._bind(inner, None, held)
            return
        for inner, part in zip(target.items, value.items, strict=True):
            kind = self._holdings.of(part)
            if kind is not None:
                self._bind(inner, part, kind)

    def _bind_name(self, name: str, held: Held) -> None:
        flow = self._flow
        if self._scope.kind == "module" or name in self._scope.globals or self._is_outer(name):
            flow.escapes.add(Escape.STORED_GLOBALLY)
            (self._holdings.inside_names if held is Held.INSIDE else flow.names).add(name)
        elif name in self._scope.nonlocals:
            flow.escapes.add(Escape.CAPTURED)
        elif self._scope.kind == "class":
            flow.escapes.add(Escape.STORED_ON_CLASS)
            flow.names.add(name)
        elif held is Held.ITEMS:
            flow.containers.add(name)
        else:
            (self._holdings.inside_names if held is Held.INSIDE else flow.names).add(name)

    def _is_outer(self, name: str) -> bool:
        """The name is a variable of the module that this function does not rebind (`Session.configure(...)`)."""
        index = self._resolver.index(self._holdings.path)
        if index is None:
            return False
        return name not in index.names(self._holdings.scope_index) and name in index.names(0)

    def _bind_attribute(self, target: model.Attr, held: Held) -> None:
        holdings = self._holdings
        if holdings.is_self(target.value) and holdings.is_method():
            names = self._resolver.decorator_names(holdings.path, holdings.scope_index)
            on_class = "builtins.classmethod" in names or self._scope.name == "__new__"
            self._flow.escapes.add(Escape.STORED_ON_CLASS if on_class else Escape.STORED_ON_SELF)
            if held is not Held.INSIDE:
                self._flow.attributes.add(target.attr)
            return
        values = self._resolver.values(holdings.path, holdings.scope_index, target.value)
        on_class = any(isinstance(value, ClassValue) for value in values)
        self._flow.escapes.add(Escape.STORED_ON_CLASS if on_class else Escape.STORED_ELSEWHERE)

    def _into_container(self, place: model.Expr, held: Held) -> None:
        """Something goes into a container: a local one holds it from now on, others take it away."""
        if isinstance(place, model.Name) and self._is_local(place.id):
            self._flow.containers.add(place.id)
        elif held is not Held.INSIDE or isinstance(place, model.Attr):
            self._flow.escapes.add(Escape.STORED_IN_CONTAINER)

    def _is_local_place(self, place: model.Expr) -> bool:
        return isinstance(place, model.Name) and self._is_local(place.id)

    def _is_of_callers(self, key: model.Expr) -> bool:
        """The key is a parameter, or is made of one."""
        own = {each.name for each in self._scope.parameters[1 if self._holdings.is_method() else 0 :]}
        return depends_on(self._holdings.facts, key, own)

    def _is_local(self, name: str) -> bool:
        """A variable of this function, and no parameter."""
        if self._scope.kind not in ("function", "lambda") or name in self._scope.globals:
            return False
        index = self._resolver.index(self._holdings.path)
        if index is None or name not in index.names(self._holdings.scope_index):
            return False
        return not any(each.name == name for each in self._scope.parameters)

    # ---------------------------------------------------------------------------------------------- closures
    def capture(self) -> None:
        """Functions defined here that use the engine outlive the call when they leave it."""
        if self._scope.kind not in ("function", "lambda"):
            return
        names = self._flow.names | self._flow.containers
        inside = self._holdings.inside_names
        for child in self._scope.children:
            if self._uses(child, names) or (self._uses(child, inside) and self._is_returned(child)):
                self._flow.escapes.add(Escape.CAPTURED)

    def _is_returned(self, child: int) -> bool:
        """The function that is defined here leaves by the result, as it is or in a wrapper that calls it."""
        facts = self._holdings.facts
        names = {facts.scopes[child].name}
        for op in self._scope.ops:
            if op.value is not None and self._is_or_runs(op.value, names, child):
                if op.kind == "return" or isinstance(op.target, model.Attr):
                    return True
                if op.kind == "bind":
                    names |= names_bound(op.target)
        return False

    def _is_or_runs(self, expr: model.Expr, names: set[str], child: int) -> bool:
        """The function, or `contextmanager(function)`, `partial(function)`."""
        if isinstance(expr, model.CallRef):
            given = self._holdings.facts.calls[expr.index].args
            if not given or not self._is_or_runs(given[0], names, child):
                return False
            library = self._resolver.library
            fqns = [
                each.fqn
                for each in self._resolver.callee(self._holdings.path, expr.index)
                if isinstance(each, External)
            ]
            return any(fqn == _PARTIAL or library.is_transparent(fqn) for fqn in fqns)
        if isinstance(expr, model.Lambda):
            return expr.scope == child
        return isinstance(expr, model.Name) and expr.id in names

    def _uses(self, scope_index: int, names: set[str]) -> bool:
        facts = self._holdings.facts
        scope = facts.scopes[scope_index]
        if any(mentions(expr, names) for expr in evaluated(facts, scope)):
            return True
        return any(self._uses(child, names) for child in scope.children)
