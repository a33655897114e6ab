"""Which calls wait for something outside of the program, also through functions of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import last_name
from poollint.program.holding.mentioned import (
    Text,
    functions_given,
    functions_mentioning,
    imported_words,
    renamed,
    words_bound_from,
)
from poollint.program.mentions import called_as
from poollint.program.values import External, Function, functions_of

if TYPE_CHECKING:
    from poollint.library.model import SlowCall
    from poollint.program.names import Resolver

DEEPEST = 3
"""Functions between the one that holds the session and the call that waits."""
SHORT_SECONDS = 1.0
"""A pause of at most this constant time is no finding."""


class Wait(Struct, frozen=True):
    """The way to a call that waits: (path, call) from the outermost call to the library's; `name` is the library's."""

    calls: tuple[tuple[str, int], ...]
    name: str


class Slow:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._functions: dict[tuple[Function, int], Wait | None] = {}
        self._called = resolver.library.slow_names
        self._methods = frozenset(map(str.encode, self._called))
        self._clients = resolver.library.slow_clients
        self._names: dict[str, frozenset[str]] = {}
        self._renamed: dict[str, frozenset[str]] = {}
        self._speaking: dict[str, bool] = {}
        self._modules: frozenset[bytes] | None = None
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
        if path not in self._speaking:
            data = self._resolver.project.data(path)
            self._speaking[path] = any(marker in data for marker in self._clients)
        return self._speaking[path]

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
        return called in self._renamed_in(path)

    def _renamed_in(self, path: str) -> frozenset[str]:
        """The names that a file's imports bind to something that is called otherwise."""
        if path not in self._renamed:
            imports = (each for scope in self._resolver.facts(path).scopes for each in scope.imports)
            self._renamed[path] = frozenset(each.name for each in imports if each.name != each.attribute)
        return self._renamed[path]

    def _waiting_names(self) -> frozenset[bytes]:
        if self._defined is None:
            self._defined = frozenset(name for names in self._waiting_in().values() for name in names)
        return self._defined

    def texts(self, path: str, given: frozenset[bytes], sessions: frozenset[bytes]) -> frozenset[str]:
        """The functions that may wait, or call what may, by their words: those with a word of `given` in the signature.

        Of those with a word of `sessions` alone: the ones that mention what waits themselves. What is called on such
        a parameter is a statement.
        """
        tokens = self._resolver.project.tokens(path)
        data = self._resolver.project.data(path)
        own = self._waiting_in().get(path, frozenset())
        found = set()
        words: tuple[frozenset[bytes], frozenset[bytes]] | None = None
        for text in functions_given(data, tokens & (given | sessions)):
            if text.name in own:
                found.add(text.name)
            elif text.mentions(given):
                if words is None:
                    words = self._words(path)
                if self._calls_what_waits(text, *words, tokens & self._methods, sessions):
                    found.add(text.name)
        return frozenset(name.decode(errors="surrogateescape") for name in found)

    def _words(self, path: str) -> tuple[frozenset[bytes], frozenset[bytes]]:
        """The names of waiting functions that a file mentions, and what it imports from where they stand."""
        project = self._resolver.project
        data, tokens = project.data(path), project.tokens(path)
        waiting = self._waiting_names() & tokens
        return waiting | renamed(data, waiting), frozenset(words_bound_from(data, self._leading())) & tokens

    def _calls_what_waits(
        self,
        text: Text,
        waiting: frozenset[bytes],
        leading: frozenset[bytes],
        methods: frozenset[bytes],
        sessions: frozenset[bytes],
    ) -> bool:
        """A name that a waiting function has is called, or a method that may wait of something from its module."""
        given = text.parameters(sessions)
        return any(first not in given for name in waiting for first in text.callers(name)) or any(
            first in leading and first not in given for name in methods for first in text.callers(name)
        )

    def _leading(self) -> frozenset[bytes]:
        """The names of the functions that mention what waits, and of the modules that these stand in."""
        if self._modules is None:
            tail = self._resolver.project.tail
            tails = {tail(path).encode(errors="surrogateescape") for path in self._waiting_in()}
            self._modules = self._waiting_names() | tails
        return self._modules

    def waiting_files(self) -> list[str]:
        """The files with a function that mentions what waits."""
        return sorted(self._waiting_in())

    def near(self, paths: list[str]) -> list[str]:
        """Those of the files that mention what waits in a function, or import such a function or its module."""
        project = self._resolver.project
        waiting = self._waiting_in()
        names = self._leading()
        return [path for path in paths if path in waiting or names & imported_words(project.data(path))]

    def _waiting_in(self) -> dict[str, frozenset[bytes]]:
        """The names of the functions that mention what waits, by file, as far as the bytes tell."""
        if self._waiting is None:
            project = self._resolver.project
            modules, functions = self._resolver.library.slow_modules, self._resolver.library.slow_functions
            found = {
                path: functions_mentioning(project.data(path), modules & tokens, functions & tokens)
                for path in project.files
                if not (tokens := project.tokens(path)).isdisjoint(modules | functions)
            }
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
