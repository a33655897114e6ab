"""Tests for something that is not there yet: what is known to be missing where a piece of code runs.

`if X is None:`, `if key not in CACHE:`, `if X is not None: return X` in front of the place, `try ... except KeyError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, text_of, without_await
from poollint.program.loops import DEEPEST, ancestors
from poollint.program.regions import Region

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver

_MISSING_ERRORS = frozenset(
    {"KeyError", "AttributeError", "NameError", "LookupError", "UnboundLocalError", "IndexError", "Exception"}
)
_LOOKUPS = frozenset({"get", "pop", "__contains__", "has", "exists"})
_LEAVES = frozenset({"return", "raise", "continue"})


@dataclass(frozen=True, slots=True)
class Tested:
    """The variable, attribute or container under test, and the key looked up in it."""

    place: model.Expr
    key: model.Expr | None = None


class Absence:
    """Reads the tests around and in front of a place."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def tested(self, path: str, scope_index: int, block: int, before: int) -> Iterator[tuple[Tested, Region]]:
        """What is missing where operation `before` of a block runs, each with the operations behind its test."""
        scope = self._resolver.scope(path, scope_index)
        chain = ancestors(scope, block)[:DEEPEST]
        yield from self._around(path, scope, chain)
        yield from self._left_in_front(path, scope, chain, before)
        yield from self._tried_in_front(path, scope, chain, before)

    def _around(self, path: str, scope: model.Scope, chain: list[int]) -> Iterator[tuple[Tested, Region]]:
        """The place lies in a branch of the test, or in the except block of what was tried."""
        for each in chain:
            guarded = scope.blocks[each]
            if guarded.kind in ("if", "else", "while") and guarded.test is not None:
                for tested in self.missing(path, guarded.test, guarded.kind == "else"):
                    yield tested, Region(scope, each, 0, chain)
            elif guarded.kind == "except" and _catches_missing(guarded.test):
                for tested in _tried(scope, guarded.group):
                    yield tested, Region(scope, guarded.parent, 0, chain)

    def _left_in_front(
        self, path: str, scope: model.Scope, chain: list[int], before: int
    ) -> Iterator[tuple[Tested, Region]]:
        """`if X is not None: return X` in front of the place."""
        for number, earlier in enumerate(scope.blocks):
            if earlier.kind != "if" or earlier.exit not in _LEAVES or earlier.test is None:
                continue
            if earlier.parent in chain and number not in chain and earlier.first_op <= before:
                for tested in self.missing(path, earlier.test, True):
                    yield tested, Region(scope, earlier.parent, earlier.first_op, chain)

    def _tried_in_front(
        self, path: str, scope: model.Scope, chain: list[int], before: int
    ) -> Iterator[tuple[Tested, Region]]:
        """`try: return CACHE[key]` / `except KeyError: pass`, then the place."""
        for number, earlier in enumerate(scope.blocks):
            if earlier.kind != "try" or earlier.exit != "return" or earlier.parent not in chain or number in chain:
                continue
            if earlier.first_op <= before and any(
                other.group == earlier.group and other.kind == "except" and _catches_missing(other.test)
                for other in scope.blocks
            ):
                for tested in _tried(scope, earlier.group):
                    yield tested, Region(scope, earlier.parent, earlier.first_op, chain)

    def missing(self, path: str, test: model.Expr, negated: bool) -> Iterator[Tested]:
        """What is known to be missing (None, falsy, not a key) when `test` holds, or fails if `negated`."""
        if isinstance(test, model.Not):
            yield from self.missing(path, test.value, not negated)
        elif isinstance(test, model.Bool):
            # `A or B`, negated `A and B`: one of them is missing, which is how such guards are written.
            for item in test.items:
                yield from self.missing(path, item, negated)
        elif isinstance(test, model.Compare):
            yield from self._compared(path, test, negated)
        elif negated:
            yield from self._read_by(path, test)

    def _compared(self, path: str, test: model.Compare, negated: bool) -> Iterator[Tested]:
        op = test.op
        if op in ("in", "not in"):
            if (op == "not in") != negated:
                yield Tested(test.right, test.left)
            return
        if isinstance(test.right, model.Const) and test.right.value is None and op in ("is", "==", "is not", "!="):
            if (op in ("is", "==")) != negated:
                yield from self._read_by(path, test.left)
        elif op in ("is", "is not", "==", "!=") and isinstance(test.right, (model.Name, model.Attr, model.Const)):
            # A sentinel other than None, or a key that is compared with the last one used.
            if (op in ("is", "==")) != negated:
                yield from self._read_by(path, test.left)
            elif isinstance(test.left, model.Attr) or isinstance(test.right, model.Attr):
                yield from self._read_by(path, test.left)
                yield from self._read_by(path, test.right)

    def _read_by(self, path: str, expr: model.Expr) -> Iterator[Tested]:
        """The place behind a tested value: a name, attribute, `d.get(k)`, `getattr(o, "x", None)`, `hasattr`."""
        if isinstance(expr, (model.Name, model.Attr)):
            yield Tested(expr)
        elif isinstance(expr, model.Subscript):
            yield Tested(expr.value, expr.index)
        elif isinstance(expr, (model.Walrus, model.Await)):
            yield from self._read_by(path, expr.value)
        elif isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            if isinstance(call.func, model.Attr) and call.func.attr in _LOOKUPS:
                yield Tested(call.func.value, call.args[0] if call.args else None)
            elif isinstance(call.func, model.Name) and call.func.id in ("hasattr", "getattr") and len(call.args) > 1:
                if text_of(call.args[1]):
                    yield Tested(model.Attr(call.args[0], text_of(call.args[1])))
            elif isinstance(call.func, model.Name) and call.func.id == "len" and call.args:
                yield Tested(call.args[0])
            elif isinstance(call.func, model.Attr) and call.func.attr == "is_set":
                yield Tested(call.func.value)

    def behind(self, path: str, scope: model.Scope, place: model.Expr) -> Tested | None:
        """The container that a tested local was just read from: `e = CACHE.get(k)`, then `if e is None`."""
        if not isinstance(place, model.Name) or place.id in scope.globals or place.id in scope.nonlocals:
            return None
        for op in assignments(scope, place.id):
            found = self._source_of(path, without_await(op.value)) if op.value is not None else None
            if found is not None:
                return found
        return None

    def _source_of(self, path: str, value: model.Expr) -> Tested | None:
        if isinstance(value, model.Subscript):
            return Tested(value.value, value.index)
        if isinstance(value, model.Attr):
            return Tested(value)
        if isinstance(value, model.CallRef):
            call = self._resolver.call(path, value.index)
            if isinstance(call.func, model.Attr) and call.func.attr in ("get", "pop"):
                return Tested(call.func.value, call.args[0] if call.args else None)
            if isinstance(call.func, model.Name) and call.func.id == "getattr" and len(call.args) > 1:
                if text_of(call.args[1]):
                    return Tested(model.Attr(call.args[0], text_of(call.args[1])))
        return None


def _tried(scope: model.Scope, group: int) -> Iterator[Tested]:
    """What the try block of this statement reads, whose absence the except block answers."""
    for number, block in enumerate(scope.blocks):
        if block.kind != "try" or block.group != group:
            continue
        for op in scope.ops:
            if op.block == number and isinstance(op.value, model.Subscript):
                yield Tested(op.value.value, op.value.index)
            elif op.block == number and isinstance(op.value, (model.Attr, model.Name)):
                yield Tested(op.value)


def _catches_missing(caught: model.Expr | None) -> bool:
    if caught is None:
        return True
    names = caught.items if isinstance(caught, model.Items) else [caught]
    return any(dotted(name).rpartition(".")[2] in _MISSING_ERRORS for name in names)
