"""What disposes of an engine, and what the calls that it is passed to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import last_name, names_bound
from poollint.program.holdings import Disposal, Held
from poollint.program.loops import ancestors
from poollint.program.sites import Escape
from poollint.program.values import BoundMethod, External, ExternalInstance, Function, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from poollint.program.flow import Flow
    from poollint.program.holdings import Holdings
    from poollint.program.storing import Storing

_DEEPEST = 3
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
_CLOSING = frozenset({"contextlib.closing", "contextlib.aclosing"})
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
        "compile",
    }
)
_KEPT = frozenset(Escape) - {Escape.RETURNED_INSIDE, Escape.YIELDED}
"""What tells of a callee that it keeps the engine, or hands it back: both take it out of sight."""


class Passing:
    """Reads the calls of a scope once all its holdings are known.

    `inside_of` gives the flow of a parameter in a function that the engine is passed to, at a depth.
    """

    def __init__(
        self, holdings: Holdings, storing: Storing, inside_of: Callable[[Function, str, int], Flow], depth: int
    ) -> None:
        self._holdings = holdings
        self._flow = holdings.flow
        self._scope = holdings.scope
        self._resolver = holdings.resolver
        self._storing = storing
        self._inside_of = inside_of
        self._depth = depth

    def read(self) -> None:
        """Add the releases and what escapes through arguments to the flow."""
        holdings = self._holdings
        for index in self._scope.calls:
            call = holdings.facts.calls[index]
            self._disposal(call)
            if index in holdings.inside or index in holdings.engines:
                continue
            for slot, argument in (*enumerate(call.args), *call.keywords):
                held = holdings.of(argument)
                if held is not None:
                    self._passed(call, slot, held)
                elif isinstance(argument, model.Attr) and argument.attr == "dispose":
                    if holdings.is_engine(argument.value):
                        self._cleanup(call)

    # ---------------------------------------------------------------------------------------------- releasing
    def _disposal(self, call: model.Call) -> None:
        """`engine.dispose()`, `engine.sync_engine.dispose()`."""
        func = call.func
        if not isinstance(func, model.Attr) or func.attr != "dispose":
            return
        receiver = func.value
        if isinstance(receiver, model.Attr) and receiver.attr == "sync_engine":
            receiver = receiver.value
        if self._holdings.is_engine(receiver):
            self._released(call)
        elif self._is_from_container(receiver):
            self._released(call, of_container=True)

    def _is_from_container(self, receiver: model.Expr) -> bool:
        """`for e in engines: e.dispose()` over a local container that holds the engine."""
        if not isinstance(receiver, model.Name):
            return False
        for op in self._scope.ops:
            if op.kind == "for" and receiver.id in names_bound(op.target):
                source = op.value
                if isinstance(source, model.CallRef):
                    func = self._holdings.facts.calls[source.index].func
                    source = func.value if isinstance(func, model.Attr) else source
                if self._holdings.of(source) is Held.ITEMS:
                    return True
        return False

    def _cleanup(self, call: model.Call) -> None:
        """`stack.callback(engine.dispose)`, `request.addfinalizer(engine.dispose)`, `atexit.register(...)`."""
        if last_name(call.func) in _CLEANUPS:
            self._released(call)

    def _released(self, call: model.Call, of_container: bool = False) -> None:
        certain = any(self._scope.blocks[each].kind == "finally" for each in ancestors(self._scope, call.block))
        span = spans.of(self._holdings.path, call)
        self._flow.disposals.append(Disposal(span, call.block, certain, of_container))

    # ---------------------------------------------------------------------------------------------- arguments
    def _passed(self, call: model.Call, slot: int | str | None, held: Held) -> None:
        """The engine (or a session on it) is an argument of a call that is neither a factory nor on the engine."""
        func = call.func
        values = self._resolver.values(self._holdings.path, call.scope, func)
        if held is Held.INSIDE or self._storing.container_filled(call) is not None:
            return
        if not values and not (isinstance(func, model.Attr) and func.attr in _BORROWING_METHODS):
            self._flow.escapes.add(Escape.PASSED_TO_OWNER)
        for value in values:
            if isinstance(value, (Function, BoundMethod)):
                self._passed_to_function(value, call, slot)
            else:
                self._passed_to(value, call)

    def _passed_to(self, value: Value, call: model.Call) -> None:
        """The callee is not a function of the program: a library's, or a class."""
        if not isinstance(value, (External, ExternalInstance)):
            self._flow.escapes.add(Escape.PASSED_TO_OWNER)
        elif value.fqn in _CLOSING:
            self._released(call)
        elif not self._borrows(value.fqn):
            self._flow.escapes.add(Escape.PASSED_TO_OWNER)

    def _borrows(self, fqn: str) -> bool:
        """The library function uses an engine and does not keep it."""
        if self._resolver.library.borrower(fqn) is not None or fqn.startswith(("builtins.", "logging.")):
            return True
        return fqn.rpartition(".")[2] in _BORROWING_METHODS

    def _passed_to_function(self, value: Function | BoundMethod, call: model.Call, slot: int | str | None) -> None:
        function = value.function if isinstance(value, BoundMethod) else value
        scope = self._resolver.scope(function.path, function.scope)
        name = _parameter_name(scope, slot, isinstance(value, BoundMethod))
        if self._depth >= _DEEPEST or not name:
            self._flow.escapes.add(Escape.PASSED_TO_OWNER)
            return
        inner = self._inside_of(function, name, self._depth + 1)
        if inner.escapes & _KEPT:
            self._flow.escapes.add(Escape.PASSED_TO_OWNER)
        if inner.disposals:
            self._released(call)


def _parameter_name(scope: model.Scope, slot: int | str | None, bound: bool) -> str:
    """The parameter that takes an argument, or "" for one that goes to `*args`, `**kwargs` or nowhere."""
    positional = [each.name for each in scope.parameters if each.kind == "positional"]
    if isinstance(slot, int):
        slot += 1 if bound else 0
        return positional[slot] if slot < len(positional) else ""
    return slot if slot is not None and any(each.name == slot for each in scope.parameters) else ""
