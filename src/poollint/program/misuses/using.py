"""Calls that run a statement on a session without naming a method of it: helpers, and `Model.query`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import dotted, values_given
from poollint.program.values import ClassValue, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import Handle
    from poollint.program.misuses.typed import Typed
    from poollint.program.names import Resolver

_DEEPEST = 2
_QUERY = "query"


def runs_on(call: model.Call, text: str, handle: Handle) -> bool:
    """A method of the session that runs a statement."""
    if not isinstance(call.func, model.Attr) or dotted(call.func.value) != text:
        return False
    return call.func.attr in _statements(handle)


def _statements(handle: Handle) -> tuple[str, ...]:
    return (*handle.executes, *handle.takes, *handle.commits, *handle.lazy)


class Using:
    """Answers for one program."""

    def __init__(self, resolver: Resolver, typed: Typed) -> None:
        self._resolver = resolver
        self._typed = typed

    def runs(self, path: str, index: int, text: str, handle: Handle, shared: bool) -> bool:
        """The call runs a statement on the session `text`; one that is `shared` by all code may be used anywhere."""
        call = self._resolver.call(path, index)
        if runs_on(call, text, handle) or any(dotted(given) == text for given in values_given(call)):
            return True
        return shared and (self._is_of_query(path, call) or self._inside(path, index, handle, _DEEPEST))

    def _is_of_query(self, path: str, call: model.Call) -> bool:
        """`Model.query.get(...)`: the class has the attribute from a library, not as a method of its own."""
        func = call.func
        if not isinstance(func, model.Attr) or not isinstance(func.value, model.Attr) or func.value.attr != _QUERY:
            return False
        owners = self._resolver.values(path, call.scope, func.value.value)
        classes = [value for value in owners if isinstance(value, ClassValue)]
        return bool(classes) and all(self._resolver.classes.method(each, _QUERY) is None for each in classes)

    def _inside(self, path: str, index: int, handle: Handle, depth: int) -> bool:
        """A function of the program that the call runs uses a shared session."""
        return any(
            self._uses_shared(home, inner, handle) or (depth > 0 and self._inside(home, inner, handle, depth - 1))
            for home, inner in self._calls_in(path, index)
        )

    def _uses_shared(self, path: str, index: int, handle: Handle) -> bool:
        call = self._resolver.call(path, index)
        if self._is_of_query(path, call):
            return True
        func = call.func
        if not isinstance(func, model.Attr) or func.attr not in _statements(handle):
            return False
        return self._typed.is_registry(path, call.scope, func.value)

    def _calls_in(self, path: str, index: int) -> Iterator[tuple[str, int]]:
        functions = [f for value in self._resolver.callee(path, index) for f in functions_of(value)]
        for function in functions if len(functions) == 1 else ():
            for inner in self._resolver.scope(function.path, function.scope).calls:
                yield function.path, inner
