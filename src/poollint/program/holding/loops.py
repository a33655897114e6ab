"""Loops that do not end while the program lives: `while True` without a way out, and iteration over a message queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from poollint.facts import model
from poollint.program.loops import is_inside, loop_around
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from poollint.program.names import Resolver

_LOOPS = ("while", "for")


def endless_loops(resolver: Resolver, path: str, scope_index: int) -> Iterator[int]:
    """The blocks of a scope that are bodies of endless loops."""
    scope = resolver.scope(path, scope_index)
    for index, block in enumerate(scope.blocks):
        if block.kind == "while" and _is_true(block.test):
            endless = True
        elif block.kind == "for":
            endless = _is_endless_source(resolver, path, scope_index, block.test)
        else:
            continue
        if endless and not _is_left(scope, index):
            yield index


def _is_true(test: model.Expr | None) -> bool:
    return isinstance(test, model.Const) and not test.kind and bool(test.value)


def _is_endless_source(resolver: Resolver, path: str, scope: int, iterated: model.Expr | None) -> bool:
    """An iterator that waits for the next message, and that no keyword tells when to stop."""
    stops = cast("Mapping[str, Sequence[str]]", resolver.library.facts.get("endless_iteration", {}))
    values = [*resolver.values(path, scope, iterated)]
    if isinstance(iterated, model.CallRef):
        values.extend(resolver.callee(path, iterated.index))
    for value in values:
        if isinstance(value, (External, ExternalInstance)) and value.fqn in stops:
            return not _is_given(resolver.facts(path), stops[value.fqn])
    return False


def _is_given(facts: model.ModuleFacts, keywords: Sequence[str]) -> bool:
    """A call of the file passes one of the keywords, be it this one or another."""
    return any(name in keywords for call in facts.calls for name, _ in call.keywords if name is not None)


def _is_left(scope: model.Scope, loop: int) -> bool:
    """A `break` of this loop or a `return` inside of it: it searches or pages through something, and ends."""
    for index, block in enumerate(scope.blocks):
        if not is_inside(scope, index, loop):
            continue
        if block.exit == "return" or (block.exit == "break" and loop_around(scope, index) == loop):
            return True
    return any(op.kind == "return" and is_inside(scope, op.block, loop) for op in scope.ops)
