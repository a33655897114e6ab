"""Which calls wait for something outside of the program, also through functions of the program."""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import last_name
from poollint.program.mentions import called_as
from poollint.program.values import External, Function, functions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poollint.library.model import SlowCall
    from poollint.program.names import Resolver

_DEFINED = re.compile(rb"\bdef[ \t]+(\w+)").finditer
_IMPORT_LINES = re.compile(rb"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(\([^)]*\)|[^\n#]+)", re.MULTILINE).finditer
_WORDS = re.compile(rb"\w+").findall
DEEPEST = 3
"""Functions between the one that holds the session and the call that waits."""
SHORT_SECONDS = 1.0
"""A pause of at most this constant time is no finding."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The way to a call that waits: (path, call) from the outermost call to the library's; `name` is the library's."""

    calls: tuple[tuple[str, int], ...]
    name: str


class Slow:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._functions: dict[tuple[Function, int], Wait | None] = {}
        self._called = resolver.library.slow_names
        self._clients = resolver.library.slow_clients
        self._names: dict[str, frozenset[str]] = {}
        self._defined: frozenset[bytes] | None = None
        self._waiting: dict[str, frozenset[bytes]] | None = None

    def direct(self, path: str, index: int) -> Wait | None:
        """The call itself is one that waits."""
        called = last_name(self._resolver.call(path, index).func)
        if called not in self._names_in(path) and not self._has_any_method(path):
            return None
        for value in self._resolver.callee(path, index):
            if isinstance(value, External):
                row = self._resolver.library.slow_call(value.fqn)
                if row is not None and self._waits(path, index, row):
                    return Wait(((path, index),), self._resolver.library.canonical(value.fqn))
        return None

    def _names_in(self, path: str) -> frozenset[str]:
        """The names under which a file may call something that waits."""
        if path not in self._names:
            self._names[path] = called_as(self._resolver.facts(path), self._called)
        return self._names[path]

    def _has_any_method(self, path: str) -> bool:
        """The file speaks of a client of which nearly every method waits."""
        data = self._resolver.project.data(path)
        return any(marker in data for marker in self._clients)

    def of_call(self, path: str, index: int, depth: int = DEEPEST) -> Wait | None:
        """The call waits, by itself or through functions of the program that it runs."""
        found = self.direct(path, index)
        if found is not None or depth <= 0:
            return found
        for function in self.runs(path, index) if self._may_wait(path, index) else ():
            inner = self.of_function(function, depth - 1)
            if inner is not None:
                return Wait(((path, index), *inner.calls), inner.name)
        return None

    def _may_wait(self, path: str, index: int) -> bool:
        """Some function of this name mentions what waits: else nothing need be resolved."""
        called = last_name(self._resolver.call(path, index).func)
        if called.encode(errors="surrogateescape") in self._waiting_names():
            return True
        imports = (each for scope in self._resolver.facts(path).scopes for each in scope.imports)
        return any(each.name == called != each.attribute for each in imports)

    def _waiting_names(self) -> frozenset[bytes]:
        if self._defined is None:
            self._defined = frozenset(name for names in self._waiting_in().values() for name in names)
        return self._defined

    def near(self, paths: list[str]) -> list[str]:
        """Those of the files that mention what waits in a function, or import such a function or its module."""
        project = self._resolver.project
        waiting = self._waiting_in()
        names = {project.tail(path).encode(errors="surrogateescape") for path in waiting} | self._waiting_names()
        return [path for path in paths if path in waiting or names & _imported(project.data(path))]

    def _waiting_in(self) -> dict[str, frozenset[bytes]]:
        """The names of the functions that mention what waits, by file, as far as the bytes tell."""
        if self._waiting is None:
            project = self._resolver.project
            markers = self._resolver.library.slow_markers
            mentions = re.compile(b"|".join(map(re.escape, markers))).finditer
            found = {path: _around(project.data(path), mentions) for path in project.containing(markers)}
            self._waiting = {path: names for path, names in found.items() if names}
        return self._waiting

    def of_function(self, function: Function, depth: int = DEEPEST) -> Wait | None:
        """The first call of a function that waits."""
        if depth < 0:
            return None
        key = (function, depth)
        if key not in self._functions:
            self._functions[key] = None
            scope = self._resolver.scope(function.path, function.scope)
            found = (self.of_call(function.path, index, depth) for index in scope.calls)
            self._functions[key] = next((each for each in found if each is not None), None)
        return self._functions[key]

    def runs(self, path: str, index: int) -> tuple[Function, ...]:
        """The one function of the program whose body the call runs before it returns."""
        call = self._resolver.call(path, index)
        values = self._resolver.callee(path, index)
        functions = tuple(dict.fromkeys(function for value in values for function in functions_of(value)))
        if len(functions) != 1 or len(values) != 1:
            return ()
        scope = self._resolver.scope(functions[0].path, functions[0].scope)
        if scope.kind not in ("function", "lambda") or scope.is_generator:
            return ()
        return functions if not scope.is_async or self._is_awaited(path, call) else ()

    def _waits(self, path: str, index: int, row: SlowCall) -> bool:
        call = self._resolver.call(path, index)
        if row.awaited and not self._is_awaited(path, call):
            return False
        return row.seconds is None or not _is_short(call, row.seconds.pos, row.seconds.kw)

    def _is_awaited(self, path: str, call: model.Call) -> bool:
        """`await f()`, `await gather(f())`, `async with f() as x` and `async for x in f()`."""
        calls = self._resolver.facts(path).calls
        current = call
        while True:
            if current.awaited:
                return True
            if current.outer < 0:
                break
            current = calls[current.outer]
        if call.op < 0:
            return False
        op = self._resolver.scope(path, call.scope).ops[call.op]
        return op.kind in ("with", "for") and isinstance(op.value, model.CallRef)


def _is_short(call: model.Call, position: int | None, keyword: str | None) -> bool:
    given = dict(call.keywords).get(keyword) if keyword is not None else None
    if given is None and position is not None and position < len(call.args):
        given = call.args[position]
    if not isinstance(given, model.Const) or isinstance(given.value, bool):
        return False
    return isinstance(given.value, (int, float)) and given.value <= SHORT_SECONDS


def _imported(data: bytes) -> set[bytes]:
    """The names that a file imports, as far as the lines of its import statements tell."""
    return {word for match in _IMPORT_LINES(data) for word in _WORDS(match[1])}


def _around(data: bytes, mentions: Callable[[bytes], Iterator[re.Match[bytes]]]) -> frozenset[bytes]:
    """The functions in whose text something is mentioned, or a name that is imported in a line that mentions it."""
    starts = []
    names = []
    for match in _DEFINED(data):
        starts.append(match.start())
        names.append(match[1])
    places = [match.start() for match in mentions(data)]
    words = {
        word
        for match in _IMPORT_LINES(data)
        if next(mentions(match[0]), None) is not None
        for word in _WORDS(match[1])
        if word != b"as"
    }
    if words:
        places += [match.start() for match in re.finditer(rb"\b(?:" + b"|".join(sorted(words)) + rb")\b", data)]
    return frozenset(names[number - 1] for number in {bisect(starts, place) for place in places} if number)
