"""Tests for something that is not there yet: what is known to be missing where a piece of code runs.

`if X is None:`, `if key not in CACHE:`, `if X is not None: return X` in front of the place, `try ... except KeyError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, is_none, last_name, text_of, without_await
from poollint.program.filling import is_empty_display
from poollint.program.loops import DEEPEST, ancestors, last_inside
from poollint.program.regions import Region
from poollint.program.tested import GLOBALS, Tested, attribute_of, is_builtin_call, item_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver

    _Found: TypeAlias = tuple[Tested, int, int]
    """What is asked for, the block behind the test, and the first operation there."""

_MISSING_ERRORS = frozenset(
    {"KeyError", "AttributeError", "NameError", "LookupError", "UnboundLocalError", "IndexError", "Exception"}
)
_LOOKUPS = frozenset({"get", "pop", "__contains__", "has", "exists"})
_LEAVES = frozenset({"return", "raise", "continue"})
_ORDERED = frozenset({"<", "<=", ">", ">="})


class Absence:
    """Reads the tests around and in front of a place."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def tested(self, path: str, scope_index: int, block: int, before: int) -> Iterator[tuple[Tested, Region]]:
        """What is missing where operation `before` of a block runs, each with the operations behind its test."""
        facts = self._resolver.facts(path)
        scope = facts.scopes[scope_index]
        chain = ancestors(scope, block)[:DEEPEST]
        for asked, outer, first in (
            *self._around(path, scope, chain),
            *self._left_in_front(path, scope, chain, before),
            *self._tried_in_front(path, scope, chain, before),
        ):
            yield asked, Region(facts, scope, outer, first, chain)

    def _around(self, path: str, scope: model.Scope, chain: list[int]) -> Iterator[_Found]:
        """The place lies in a branch of the test, or in the except block of what was tried."""
        for each in chain:
            guarded = scope.blocks[each]
            if guarded.kind in ("if", "else", "while") and guarded.test is not None:
                negated = guarded.kind == "else"
                for asked in (*self.missing(path, guarded.test, negated), *_switched_on(guarded.test, negated)):
                    yield asked, each, 0
            elif guarded.kind == "case" and guarded.test is not None and is_none(guarded.target):
                for asked in self._read_by(path, guarded.test):
                    yield asked, each, 0
            elif guarded.kind == "except" and _catches_missing(guarded.test):
                for number, block in enumerate(scope.blocks):
                    if block.kind == "try" and block.group == guarded.group:
                        for asked in self._tried(path, scope, number, number):
                            yield asked, guarded.parent, 0

    def _left_in_front(self, path: str, scope: model.Scope, chain: list[int], before: int) -> Iterator[_Found]:
        """`if X is not None: return X` in front of the place."""
        for earlier in left_in_front(scope, chain, before):
            if earlier.test is not None:
                for asked in (*self.missing(path, earlier.test, True), *_switched_on(earlier.test, True)):
                    yield asked, earlier.parent, earlier.first_op

    def _tried_in_front(self, path: str, scope: model.Scope, chain: list[int], before: int) -> Iterator[_Found]:
        """`try: return CACHE[key]` / `except KeyError: pass`, or the same with `suppress(KeyError)`, then the place."""
        for number, earlier in enumerate(scope.blocks):
            if earlier.parent not in chain or number in chain or earlier.first_op > before:
                continue
            last = number
            if earlier.kind == "try" and earlier.exit == "return":
                handlers = [each for each in scope.blocks if each.group == earlier.group and each.kind == "except"]
                leaves = any(_catches_missing(each.test) for each in handlers)
            else:
                last = last_inside(scope, number)
                leaves = self._suppresses_missing(path, earlier) and any(
                    each.kind == "with" and each.exit == "return" for each in scope.blocks[number : last + 1]
                )
            if leaves:
                for asked in self._tried(path, scope, number, last):
                    yield asked, earlier.parent, earlier.first_op

    def _suppresses_missing(self, path: str, block: model.Block) -> bool:
        """`with contextlib.suppress(KeyError):`."""
        if block.kind != "with" or not isinstance(block.test, model.CallRef):
            return False
        call = self._resolver.call(path, block.test.index)
        return last_name(call.func) == "suppress" and any(_catches_missing(each) for each in call.args)

    def _tried(self, path: str, scope: model.Scope, first: int, last: int) -> Iterator[Tested]:
        """What these blocks read, whose absence is answered for."""
        facts = self._resolver.facts(path)
        for op in scope.ops:
            if not first <= op.block <= last or op.value is None:
                continue
            value = without_await(op.value)
            if isinstance(value, model.Subscript):
                yield item_of(facts, value.value, value.index)
            elif isinstance(value, (model.Attr, model.Name)):
                yield Tested(value)
            elif isinstance(value, model.CallRef) and is_builtin_call(facts.calls[value.index], "getattr", 2):
                yield attribute_of(facts, *facts.calls[value.index].args[:2])

    # ---------------------------------------------------------------------------------------------- conditions
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
                yield from self._not_in(path, test.left, test.right)
        elif op in _ORDERED:
            # `len(C) < 1`, negated `len(C) > 0`; a larger number is a bound for what the container gets.
            if (op in ("<", "<=")) != negated and self._is_length(path, test.left):
                yield from self._read_by(path, test.left)
        elif is_none(test.right) or is_empty_display(test.right):
            if (op in ("is", "==")) != negated:
                yield from self._read_by(path, test.left)
        elif op in ("is", "is not", "==", "!=") and isinstance(test.right, (model.Name, model.Attr, model.Const)):
            # A sentinel other than None, or a key that is compared with the last one used.
            if (op in ("is", "==")) != negated:
                yield from self._read_by(path, test.left)
            elif isinstance(test.left, model.Attr) or isinstance(test.right, model.Attr):
                yield from self._read_by(path, test.left)
                yield from self._read_by(path, test.right)

    def _not_in(self, path: str, key: model.Expr, container: model.Expr) -> Iterator[Tested]:
        """`key not in container`; `"X" not in globals()` is the variable X as well."""
        asked = item_of(self._resolver.facts(path), container, key)
        yield asked
        if asked.place == model.Name(GLOBALS) and text_of(key):
            yield Tested(model.Name(text_of(key)))

    def _is_length(self, path: str, expr: model.Expr) -> bool:
        return isinstance(expr, model.CallRef) and is_builtin_call(self._resolver.call(path, expr.index), "len", 1)

    def _read_by(self, path: str, expr: model.Expr) -> Iterator[Tested]:
        """The place behind a tested value: a name, attribute, `d.get(k)`, `getattr(o, "x", None)`, `hasattr`."""
        facts = self._resolver.facts(path)
        if isinstance(expr, (model.Name, model.Attr)):
            yield Tested(expr)
        elif isinstance(expr, model.Subscript):
            yield item_of(facts, expr.value, expr.index)
        elif isinstance(expr, (model.Walrus, model.Await)):
            yield from self._read_by(path, expr.value)
        elif isinstance(expr, model.CallRef):
            call = facts.calls[expr.index]
            if isinstance(call.func, model.Attr) and call.func.attr in _LOOKUPS:
                yield item_of(facts, call.func.value, call.args[0] if call.args else None)
            elif is_builtin_call(call, "hasattr", 2) or is_builtin_call(call, "getattr", 2):
                yield attribute_of(facts, call.args[0], call.args[1])
            elif is_builtin_call(call, "len", 1):
                yield Tested(call.args[0])
            elif is_builtin_call(call, "isinstance", 2):
                yield Tested(call.args[0], typed=True)
            elif isinstance(call.func, model.Attr) and call.func.attr == "is_set":
                yield Tested(call.func.value)

    # ---------------------------------------------------------------------------------------------- origins
    def read_by(self, path: str, scope: model.Scope, expr: model.Expr) -> Iterator[Tested]:
        """The place whose contents a function gives with `return expr`, also through a local."""
        yield from self._read_by(path, expr)
        found = self.behind(path, scope, expr)
        if found is not None:
            yield found

    def behind(self, path: str, scope: model.Scope, place: model.Expr) -> Tested | None:
        """The container that a tested local was just read from: `e = CACHE.get(k)`, then `if e is None`."""
        for value in self._bound_to(scope, place):
            found = self._source_of(path, value)
            if found is not None:
                return found
        return None

    def around(self, path: str, scope: model.Scope, place: model.Expr) -> Tested | None:
        """The container that a local container is kept in: `d = CACHE.setdefault(k, {})`, then `if name not in d`.

        One that `get` gave is kept only where the function puts it there.
        """
        facts = self._resolver.facts(path)
        for value in self._bound_to(scope, place):
            found: Tested | None = None
            kept = isinstance(value, (model.Attr, model.Name, model.Subscript))
            if isinstance(value, model.Name):
                found = Tested(value)
            elif isinstance(value, model.CallRef) and last_name(facts.calls[value.index].func) == "setdefault":
                call = facts.calls[value.index]
                if isinstance(call.func, model.Attr) and call.args:
                    found, kept = item_of(facts, call.func.value, call.args[0]), True
            else:
                found = self._source_of(path, value)
            if found is not None and (kept or Region(facts, scope, 0, 0).puts_into(found)):
                return found
        return None

    def _bound_to(self, scope: model.Scope, place: model.Expr) -> Iterator[model.Expr]:
        """What a local variable is set to."""
        if isinstance(place, model.Name) and place.id not in scope.globals and place.id not in scope.nonlocals:
            for op in assignments(scope, place.id):
                if op.value is not None:
                    yield without_await(op.value)

    def _source_of(self, path: str, value: model.Expr) -> Tested | None:
        facts = self._resolver.facts(path)
        if isinstance(value, model.Subscript):
            return item_of(facts, value.value, value.index)
        if isinstance(value, model.Attr):
            return Tested(value)
        if isinstance(value, model.CallRef):
            call = facts.calls[value.index]
            if isinstance(call.func, model.Attr) and call.func.attr in ("get", "pop"):
                return item_of(facts, call.func.value, call.args[0] if call.args else None)
            if is_builtin_call(call, "getattr", 2):
                return attribute_of(facts, call.args[0], call.args[1])
        return None


def left_in_front(scope: model.Scope, chain: list[int], before: int) -> Iterator[model.Block]:
    """The `if` blocks in front of operation `before` that leave: behind them their test does not hold.

    `chain`: the blocks around the place.
    """
    for number, earlier in enumerate(scope.blocks):
        if earlier.kind == "if" and earlier.exit in _LEAVES and earlier.parent in chain and number not in chain:
            if earlier.first_op <= before:
                yield earlier


def _switched_on(test: model.Expr, negated: bool) -> Iterator[Tested]:
    """The flags that are on where the test holds, or fails if `negated`."""
    if isinstance(test, model.Not):
        yield from _switched_on(test.value, not negated)
    elif isinstance(test, model.Bool) and (test.op == "and") != negated:
        for item in test.items:
            yield from _switched_on(item, negated)
    elif isinstance(test, (model.Name, model.Attr)) and not negated:
        yield Tested(test, on=True)


def _catches_missing(caught: model.Expr | None) -> bool:
    if caught is None:
        return True
    names = caught.items if isinstance(caught, model.Items) else [caught]
    return any(dotted(name).rpartition(".")[2] in _MISSING_ERRORS for name in names)
