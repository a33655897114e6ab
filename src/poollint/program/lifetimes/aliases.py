"""Which expressions of a scope stand for a handle, for something made from it, or for its transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, targets_in
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Collection

    from poollint.library.model import Handle
    from poollint.program.names import Resolver

_CLOSING = frozenset({"contextlib.closing", "contextlib.aclosing"})
_REGISTRIES = frozenset({"sqlalchemy.orm.scoped_session", "sqlalchemy.ext.asyncio.async_scoped_session"})
_SAME = frozenset({"typing.cast", "typing_extensions.cast"})


class Aliases:
    """What denotes one handle of one scope; `acquisition` is the call that makes it (-1: `parameter` is given).

    `parameter` may also be an attribute: "self.session".
    """

    def __init__(
        self, resolver: Resolver, path: str, scope: int, handle: Handle, acquisition: int, parameter: str = ""
    ) -> None:
        self._resolver = resolver
        self._path = path
        self._scope_index = scope
        self._calls = resolver.facts(path).calls
        self._scope = resolver.scope(path, scope)
        self.handle = handle
        self.acquisition = acquisition
        self._is_attribute = "." in parameter
        self.proxies = self._registry()
        self.names: set[str] = {parameter, *self.proxies} if parameter else set(self.proxies)
        self.derived: set[str] = set()
        self.transactions: dict[str, str] = {}
        self._close()

    def _registry(self) -> frozenset[str]:
        """The local `scoped_session` that the handle is the session of: using it is using the handle."""
        func = self._calls[self.acquisition].func if self.acquisition >= 0 else None
        if not isinstance(func, model.Name) or self._scope.kind == "module":
            return frozenset()
        values = self._resolver.values(self._path, self._scope_index, func)
        found = values and all(isinstance(each, ExternalInstance) and each.fqn in _REGISTRIES for each in values)
        return frozenset({func.id}) if found else frozenset()

    def _close(self) -> None:
        """Collect the variables that hold the handle anywhere, what is made from it, and its transactions."""
        size = -1
        while size != len(self.names) + len(self.derived) + len(self.transactions):
            size = len(self.names) + len(self.derived) + len(self.transactions)
            for op in self._scope.ops:
                if op.target is None or op.value is None:
                    continue
                for target in targets_in(op.target):
                    if isinstance(target, model.Name):
                        self._bound(op, target.id)

    def _bound(self, op: model.Op, name: str) -> None:
        assert op.value is not None
        if op.kind != "for" and (
            self.denotes(op.value, self.names) or (op.kind == "with" and self.is_closing(op.value, self.names))
        ):
            self.names.add(name)
        elif transaction := self.transaction(op.value, self.names):
            self.transactions[name] = transaction
        elif name not in self.names and self.is_rooted(op.value):
            self.derived.add(name)

    # ---------------------------------------------------------------------------------------------- the handle
    def denotes(self, expr: model.Expr | None, names: Collection[str]) -> bool:
        """The expression is the handle, where `names` are the variables that hold it."""
        if isinstance(expr, model.Name):
            return expr.id in names
        if isinstance(expr, model.CallRef):
            return expr.index == self.acquisition or self._gives_it_again(expr.index, names)
        if isinstance(expr, (model.Await, model.Walrus, model.Star)):
            return self.denotes(expr.value, names)
        if isinstance(expr, model.Attr):
            if expr.attr in self.handle.same and self.denotes(expr.value, names):
                return True
            return self._is_attribute and dotted(expr) in names
        if isinstance(expr, model.Conditional):
            return self.denotes(expr.body, names) or self.denotes(expr.orelse, names)
        if isinstance(expr, model.Bool):
            return any(self.denotes(item, names) for item in expr.items)
        return False

    def _gives_it_again(self, index: int, names: Collection[str]) -> bool:
        call = self._calls[index]
        if isinstance(call.func, model.Name) and call.func.id in self.proxies:
            return True
        if isinstance(call.func, model.Attr) and call.func.attr in self.handle.same:
            return self.denotes(call.func.value, names)
        if not any(self.denotes(argument, names) for argument in call.args):
            return False
        return any(isinstance(v, External) and v.fqn in _SAME for v in self._resolver.callee(self._path, index))

    def is_awaited(self) -> bool:
        """A method of the handle is awaited: it is asynchronous, whatever made it."""
        calls = (self._calls[index] for index in self._scope.calls)
        return any(
            call.awaited and isinstance(call.func, model.Attr) and self.denotes(call.func.value, self.names)
            for call in calls
        )

    def is_closing(self, expr: model.Expr | None, names: Collection[str]) -> bool:
        """`closing(handle)`."""
        if not isinstance(expr, model.CallRef):
            return False
        call = self._calls[expr.index]
        if not any(self.denotes(argument, names) for argument in call.args):
            return False
        callees = self._resolver.callee(self._path, expr.index)
        return any(isinstance(value, External) and value.fqn in _CLOSING for value in callees)

    def transaction(self, expr: model.Expr | None, names: Collection[str]) -> str:
        """ "begin" or "nested" for `handle.begin()`, `handle.begin_nested()` and variables that hold it; else ""."""
        if isinstance(expr, model.Await):
            return self.transaction(expr.value, names)
        if isinstance(expr, model.Name):
            return self.transactions.get(expr.id, "")
        if isinstance(expr, model.CallRef):
            func = self._calls[expr.index].func
            if isinstance(func, model.Attr) and self.denotes(func.value, names):
                if func.attr in self.handle.begins:
                    return "begin"
                if func.attr in self.handle.nests:
                    return "nested"
        return ""

    # ---------------------------------------------------------------------------------------------- made from it
    def is_rooted(self, expr: model.Expr | None) -> bool:
        """A result of the handle: a query, rows, a cursor; also what is computed from one through its methods."""
        if isinstance(expr, model.Name):
            return expr.id in self.derived
        if isinstance(expr, model.CallRef):
            if expr.index == self.acquisition:
                return False
            func = self._calls[expr.index].func
            return isinstance(func, model.Attr) and (self.denotes(func.value, self.names) or self.is_rooted(func.value))
        if isinstance(expr, (model.Await, model.Attr, model.Walrus, model.Star)):
            return self.is_rooted(expr.value)
        return False

    def may_run_later(self, expr: model.Expr | None) -> bool:
        """A rooted expression that may be a Query: no statement has run for it yet."""
        return self._is_lazy(expr, set())

    def _is_lazy(self, expr: model.Expr | None, seen: set[str]) -> bool:
        """`seen`: the variables that were looked at; each is looked at once."""
        if isinstance(expr, model.Name):
            if expr.id in seen:
                return False
            seen.add(expr.id)
            return any(self._is_lazy(op.value, seen) for op in assignments(self._scope, expr.id))
        if isinstance(expr, model.CallRef):
            func = self._calls[expr.index].func
            if not isinstance(func, model.Attr):
                return False
            return self._is_lazy(func.value, seen) or (
                func.attr in self.handle.lazy and self.denotes(func.value, self.names)
            )
        if isinstance(expr, (model.Await, model.Attr, model.Walrus, model.Star)):
            return self._is_lazy(expr.value, seen)
        return False

    def mentions(self, expr: model.Expr | None, names: Collection[str]) -> bool:
        """The handle is in a display, a call's argument or elsewhere inside of the expression."""
        if expr is None:
            return False
        if self.denotes(expr, names):
            return True
        if isinstance(expr, (model.Items, model.Derived, model.Bool)):
            return any(self.mentions(item, names) for item in expr.items)
        if isinstance(expr, model.Mapping):
            return any(self.mentions(item, names) for item in expr.values)
        if isinstance(expr, model.Comprehension):
            return any(self.mentions(item, names) for item in expr.elements)
        if isinstance(expr, (model.Await, model.Star, model.Walrus)):
            return self.mentions(expr.value, names)
        if isinstance(expr, model.Conditional):
            return self.mentions(expr.body, names) or self.mentions(expr.orelse, names)
        if isinstance(expr, model.CallRef):
            call = self._calls[expr.index]
            return any(self.mentions(each, names) for each in (*call.args, *(value for _, value in call.keywords)))
        return False

    def is_release_method(self, expr: model.Expr | None, names: Collection[str]) -> bool:
        """`handle.close`, not called: something will call it."""
        if not isinstance(expr, model.Attr) or not self.denotes(expr.value, names):
            return False
        return expr.attr in self.handle.closes or expr.attr in ("__exit__", "__aexit__")
