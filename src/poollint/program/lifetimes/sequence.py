"""The statements of a scope in the order in which they run, and the calls that each of them evaluates.

The facts keep operations and blocks in two lists. Blocks are numbered in the order of the source, and each knows how
many operations lie before it (`first_op`), so both lists merge into one order.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.facts.model import Expr, ModuleFacts, Scope

_CONTINUES = frozenset({"else", "loop-else", "except", "try-else", "finally", "case"})


class Part(Struct, frozen=True):
    """One statement: an operation, or the blocks of a compound statement in source order."""

    op: int = -1
    blocks: tuple[int, ...] = ()


class Sequence:
    """The order of one scope."""

    def __init__(self, facts: ModuleFacts, scope: Scope) -> None:
        self.facts = facts
        self.scope = scope
        self._parts: dict[int, list[Part]] = {}
        self._ops_in: dict[int, list[int]] = {}
        for number, op in enumerate(scope.ops):
            self._ops_in.setdefault(op.block, []).append(number)
        self._blocks_in: dict[int, list[int]] = {}
        for number, child in enumerate(scope.blocks):
            if child.kind != "comprehension":
                self._blocks_in.setdefault(child.parent, []).append(number)
        self._by_op: dict[int, list[int]] = {}
        self._inner: dict[int, list[int]] = {}
        for index in scope.calls:
            call = facts.calls[index]
            self._by_op.setdefault(call.op, []).append(index)
            if call.outer >= 0:
                self._inner.setdefault(call.outer, []).append(index)

    def parts(self, block: int) -> list[Part]:
        """The statements of a block."""
        if block not in self._parts:
            self._parts[block] = list(self._merged(block))
        return self._parts[block]

    def _merged(self, block: int) -> Iterator[Part]:
        ops = deque(self._ops_in.get(block, ()))
        statements = deque(self._statements(block))
        while ops or statements:
            if statements and (not ops or self.scope.blocks[statements[0][0]].first_op <= ops[0]):
                yield Part(blocks=tuple(statements.popleft()))
            else:
                yield Part(op=ops.popleft())

    def _statements(self, block: int) -> list[list[int]]:
        """The compound statements directly in a block, each as its blocks."""
        found: list[list[int]] = []
        by_group: dict[int, list[int]] = {}
        for index in self._blocks_in.get(block, ()):
            child = self.scope.blocks[index]
            if child.kind in _CONTINUES and child.group in by_group:
                by_group[child.group].append(index)
            else:
                found.append(by_group.setdefault(index, [index]))
        return found

    # ---------------------------------------------------------------------------------------------- calls
    def calls_of_op(self, op: int) -> list[int]:
        """The calls of an operation, inner ones before those that use their result."""
        calls = self._by_op.get(op, [])
        known = set(calls)
        return [each for index in calls if self._outer(index) not in known for each in self._postorder(index)]

    def _outer(self, index: int) -> int:
        return self.facts.calls[index].outer

    def calls_of_test(self, test: Expr | None) -> list[int]:
        """The calls of a condition, a subject or an iterated value."""
        return [] if test is None else [each for index in calls_in(test) for each in self._postorder(index)]

    def _postorder(self, index: int) -> Iterator[int]:
        for inner in self._inner.get(index, ()):
            yield from self._postorder(inner)
        yield index


def calls_in(expr: Expr) -> Iterator[int]:
    """The outermost calls of an expression, from left to right."""
    if isinstance(expr, model.CallRef):
        yield expr.index
    elif isinstance(expr, (model.Attr, model.Await, model.Star, model.Not, model.Walrus)):
        yield from calls_in(expr.value)
    elif isinstance(expr, (model.Items, model.Bool, model.Derived)):
        for item in expr.items:
            yield from calls_in(item)
    elif isinstance(expr, model.Mapping):
        for key in expr.keys:
            if key is not None:
                yield from calls_in(key)
        for item in expr.values:
            yield from calls_in(item)
    elif isinstance(expr, model.Subscript):
        yield from calls_in(expr.value)
        yield from calls_in(expr.index)
    elif isinstance(expr, model.Compare):
        yield from calls_in(expr.left)
        yield from calls_in(expr.right)
    elif isinstance(expr, model.Conditional):
        for part in (expr.test, expr.body, expr.orelse):
            yield from calls_in(part)
    elif isinstance(expr, model.Comprehension):
        for item in expr.elements:
            yield from calls_in(item)
    elif isinstance(expr, model.YieldValue) and expr.value is not None:
        yield from calls_in(expr.value)
