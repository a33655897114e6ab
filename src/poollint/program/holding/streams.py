"""Responses whose body is made while the client reads it: who returns one, and which generators make the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import assignments, last_name, values_given, without_await
from poollint.program.mentions import called_as
from poollint.program.values import External, Function, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import Streamer
    from poollint.program.holding.slow import Slow
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver

_DEEPEST = 3


class Streaming(Struct, frozen=True):
    """A `return` of a function that gives a streaming response, and the call that makes it.

    `calls` lead from there to the library's class, as (path, call); `bodies` are the generators of the program that
    make the body. `keeps_context`: the request's own objects live as long.
    """

    operation: int
    call: int
    calls: tuple[tuple[str, int], ...]
    bodies: tuple[Function, ...] = ()
    keeps_context: bool = False


class Streams:
    """Answers for one program."""

    def __init__(self, resolver: Resolver, mentions: Mentions, slow: Slow) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._slow = slow
        self._memo: dict[tuple[Function, int], tuple[Streaming, ...]] = {}
        self._found: list[Function] | None = None

    def bodies(self) -> frozenset[Function]:
        """The generators that make the body of a response."""
        return frozenset(body for function in self.functions() for each in self.of(function) for body in each.bodies)

    def functions(self) -> list[Function]:
        """All functions that return a streaming response, from the files that name one outwards."""
        if self._found is None:
            self._found = self._search()
        return self._found

    def _search(self) -> list[Function]:
        names = self._resolver.library.streamer_names
        project = self._resolver.project
        found: dict[Function, None] = {}
        pending: list[tuple[str, str]] = [
            (path, name) for name in sorted(names) for path in project.mentioning(name) if project.facts(path)
        ]
        seen = set(pending)
        while pending:
            path, name = pending.pop()
            for function in self._calling(path, name):
                if function in found or not self.of(function):
                    continue
                found[function] = None
                own = self._resolver.scope(function.path, function.scope).name
                added = {(other, own) for other in self._mentions.files(function.path, own)} - seen
                seen |= added
                pending.extend(sorted(added))
        return sorted(found, key=lambda each: (each.path, each.scope))

    def _calling(self, path: str, name: str) -> Iterator[Function]:
        facts = self._resolver.project.facts(path)
        if facts is None:
            return
        wanted = called_as(facts, frozenset({name}))
        for call in facts.calls:
            if last_name(call.func) in wanted and facts.scopes[call.scope].kind == "function":
                yield Function(path, call.scope)

    def of(self, function: Function, depth: int = _DEEPEST) -> tuple[Streaming, ...]:
        """The streaming responses that a function returns."""
        if depth < 0:
            return ()
        key = (function, depth)
        if key not in self._memo:
            self._memo[key] = ()
            self._memo[key] = tuple(self._returned(function, depth))
        return self._memo[key]

    def _returned(self, function: Function, depth: int) -> Iterator[Streaming]:
        path = function.path
        scope = self._resolver.scope(path, function.scope)
        if scope.is_generator:
            return
        for number, op in enumerate(scope.ops):
            if op.kind != "return" or op.value is None:
                continue
            for index in _calls_behind(scope, op.value):
                found = self._made_by(path, index, depth)
                if found is not None:
                    calls, bodies, keeps = found
                    yield Streaming(number, index, calls, bodies, keeps)

    def _made_by(
        self, path: str, index: int, depth: int
    ) -> tuple[tuple[tuple[str, int], ...], tuple[Function, ...], bool] | None:
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            if not isinstance(value, External):
                continue
            row = self._resolver.library.streamer(value.fqn)
            if row is not None:
                return ((path, index),), self._bodies(path, call, _content(call, row)), row.keeps_context
            for argument in call.args:
                inner = self._made_by(path, argument.index, depth) if isinstance(argument, model.CallRef) else None
                if inner is not None:
                    return ((path, index), *inner[0]), inner[1], inner[2]
        for function in self._slow.runs(path, index):
            streaming = self.of(function, depth - 1)
            if streaming:
                given = [body for argument in values_given(call) for body in self._bodies(path, call, argument)]
                bodies = tuple(dict.fromkeys((*given, *(body for each in streaming for body in each.bodies))))
                return ((path, index), *streaming[0].calls), bodies, any(each.keeps_context for each in streaming)
        return None

    def _bodies(self, path: str, call: model.Call, content: model.Expr | None) -> tuple[Function, ...]:
        """The generator functions of the program that a value comes from."""
        if content is None:
            return ()
        scope = self._resolver.scope(path, call.scope)
        found: list[Function] = []
        for index in _calls_behind(scope, content):
            found.extend(each for value in self._resolver.callee(path, index) for each in functions_of(value))
        if isinstance(content, (model.Name, model.Attr)):
            values = self._resolver.values(path, call.scope, content)
            found.extend(each for value in values for each in functions_of(value))
        return tuple(each for each in found if self._resolver.scope(each.path, each.scope).is_generator)


def _content(call: model.Call, row: Streamer) -> model.Expr | None:
    given = dict(call.keywords).get(row.content.kw)
    if given is None and row.content.pos is not None and row.content.pos < len(call.args):
        given = call.args[row.content.pos]
    return given


def _calls_behind(scope: model.Scope, expr: model.Expr) -> list[int]:
    """The calls that an expression, or the variable that it is, may be the result of."""
    bare = without_await(expr)
    if isinstance(bare, model.CallRef):
        return [bare.index]
    if isinstance(bare, model.Conditional):
        return [*_calls_behind(scope, bare.body), *_calls_behind(scope, bare.orelse)]
    if not isinstance(bare, model.Name):
        return []
    values = [without_await(op.value) for op in assignments(scope, bare.id) if op.value is not None]
    return [value.index for value in values if isinstance(value, model.CallRef)]
