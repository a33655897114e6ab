"""Where names occur in a file, and in which position: the reverse index that callers are found with.

Built lazily for the files that mention a name at stake. A position says what happens to the value there: it is called,
passed, assigned, returned, used as a decorator, a default or a base class, or merely read.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from poollint.facts import model
from poollint.facts.model import Attr, CallRef, Const, Expr, Name
from poollint.program.tokens import occurrences

if TYPE_CHECKING:
    from poollint.facts.model import ModuleFacts


MOST_NAMES = 8
"""Names of one file that are looked for one by one."""


class Role(str, Enum):
    """What happens to a value where it stands."""

    CALLEE = "callee"
    ARGUMENT = "argument"
    ASSIGNED = "assigned"
    ITERATED = "iterated"
    ENTERED = "entered"
    RETURNED = "returned"
    YIELDED = "yielded"
    DECORATOR = "decorator"
    DEFAULT = "default"
    BASE = "base"
    READ = "read"


class Position(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A place in a file. `index` is the call (callee, argument), the operation (assigned, iterated, entered,
    returned, yielded), or the decorated, parametrised or derived scope (decorator, default, base). `slot` is the
    position or keyword of an argument, or the parameter's name. `whole` is the expression as it stands in the role,
    `scope`/`block` where it is evaluated.
    """

    role: Role
    scope: int
    block: int
    index: int
    slot: int | str
    whole: Expr
    line: int
    column: int
    end_line: int
    end_column: int


class Reference(msgspec.Struct, frozen=True, gc=False, eq=False):
    """One occurrence of a name: `expr` is the name or attribute expression itself."""

    expr: Expr
    position: Position


class References:
    """All occurrences in one file, by the last component of the name; calls and lambdas by their index.

    A file is rarely asked for more than a few names. So only the operations and calls in whose lines a name stands are
    walked for it, until so many were asked for that to walk everything once is less work.
    """

    def __init__(self, facts: ModuleFacts, data: bytes) -> None:
        self._facts = facts
        self._data = data
        self._memo: dict[str, tuple[list[Reference], list[Reference]]] = {}
        self._positions: dict[int, Position | None] = {}
        self._heads: Walk | None = None
        self._everything: Walk | None = None
        self._has_plain_lines = data.count(b"\r") == data.count(b"\r\n")

    def of(self, name: str) -> list[Reference]:
        """The occurrences of a name."""
        return self._found(name)[0]

    def texts(self, name: str) -> list[Reference]:
        """The literals like "package.module:name" whose last component is the name."""
        return self._found(name)[1]

    def call(self, index: int) -> Position | None:
        """Where the result of a call goes."""
        if self._everything is not None:
            return self._everything.calls.get(index)
        if index not in self._positions:
            self._positions[index] = self._of_call(index)
        return self._positions[index]

    def function(self, scope: int) -> Position | None:
        """Where a lambda stands."""
        return self._all.lambdas.get(scope)

    # ---------------------------------------------------------------------------------------------- what is walked
    def _found(self, name: str) -> tuple[list[Reference], list[Reference]]:
        if self._everything is None and name not in self._memo:
            if len(self._memo) < MOST_NAMES and self._has_plain_lines and name.isascii():
                self._memo[name] = self._near(name)
        if name in self._memo:
            return self._memo[name]
        return self._all.names.get(name, []), self._all.strings.get(name, [])

    @property
    def _all(self) -> Walk:
        if self._everything is None:
            self._everything = walk = self._outside.copied()
            for index, scope in enumerate(self._facts.scopes):
                for number, op in enumerate(scope.ops):
                    walk.operation(index, number, op)
            for index, call in enumerate(self._facts.calls):
                walk.call(index, call)
        return self._everything

    @property
    def _outside(self) -> Walk:
        """What stands in no operation and no call: it is little, and its lines are not known."""
        if self._heads is None:
            self._heads = walk = Walk(self._facts)
            for index, scope in enumerate(self._facts.scopes):
                walk.head(index, scope)
            for index, scope in enumerate(self._facts.scopes):
                walk.tests(index, scope)
        return self._heads

    def _near(self, name: str) -> tuple[list[Reference], list[Reference]]:
        """The occurrences in the order in which a walk over everything meets them."""
        lines = _lines(self._data, name.encode())
        if not lines:
            return [], []
        outside = self._outside
        walk = Walk(self._facts)
        first, last = lines[0], lines[-1]
        for index, scope in enumerate(self._facts.scopes):
            for number, op in enumerate(scope.ops):
                if op.line > last or (isinstance(op.value, CallRef) and op.target is None):
                    continue
                if not op.end_line or (op.end_line >= first and _holds(op, lines)):
                    walk.operation(index, number, op)
        for index, call in enumerate(self._facts.calls):
            if call.line <= last and call.end_line >= first and _holds(call, lines):
                walk.call(index, call)
        return (
            outside.names.get(name, []) + walk.names.get(name, []),
            outside.strings.get(name, []) + walk.strings.get(name, []),
        )

    def _of_call(self, index: int) -> Position | None:
        known = self._outside.calls.get(index)
        if known is not None:
            return known
        facts = self._facts
        call = facts.calls[index]
        walk = Walk(facts)
        ops = facts.scopes[call.scope].ops
        direct = (number for number, op in enumerate(ops) if isinstance(op.value, CallRef) and op.value.index == index)
        number = next(direct, call.op)
        if number >= 0:
            walk.operation(call.scope, number, ops[number])
        if index not in walk.calls and call.outer >= 0:
            walk.call(call.outer, facts.calls[call.outer])
        return walk.calls[index] if index in walk.calls else self._all.calls.get(index)


def _lines(data: bytes, word: bytes) -> list[int]:
    """The numbers of the lines in which the word stands, in order, from 1."""
    found: list[int] = []
    line, counted = 1, 0
    for place in occurrences(data, word):
        line += data.count(b"\n", counted, place)
        counted = place
        if not found or found[-1] != line:
            found.append(line)
    return found


def _holds(place: model.Op | model.Call, lines: list[int]) -> bool:
    """One of the lines is a line of the place."""
    number = bisect_left(lines, place.line)
    return number < len(lines) and lines[number] <= place.end_line


class Walk:
    """Collects what the expressions hold that it is shown."""

    def __init__(self, facts: ModuleFacts) -> None:
        self._facts = facts
        self.names: dict[str, list[Reference]] = {}
        self.calls: dict[int, Position] = {}
        self.lambdas: dict[int, Position] = {}
        self.strings: dict[str, list[Reference]] = {}

    def copied(self) -> Walk:
        """A walk that goes on from here, while this one stays as it is."""
        walk = Walk(self._facts)
        walk.names = {name: list(found) for name, found in self.names.items()}
        walk.strings = {name: list(found) for name, found in self.strings.items()}
        walk.calls = dict(self.calls)
        walk.lambdas = dict(self.lambdas)
        return walk

    def head(self, index: int, scope: model.Scope) -> None:
        """Decorators, parameters and bases."""
        outer = max(scope.parent, 0)
        for number, decorator in enumerate(scope.decorators):
            place = (decorator.line, decorator.column, decorator.end_line, decorator.end_column)
            self._put(decorator.value, Role.DECORATOR, outer, scope.parent_block, index, number, place)
        here = (scope.line, scope.column, scope.line, scope.column + len(scope.name) + 4)
        for parameter in scope.parameters:
            if parameter.default is not None:
                self._put(parameter.default, Role.DEFAULT, outer, scope.parent_block, index, parameter.name, here)
            if parameter.annotation is not None:
                self._put(parameter.annotation, Role.READ, outer, scope.parent_block, index, parameter.name, here)
        for number, base in enumerate(scope.bases):
            self._put(base, Role.BASE, outer, scope.parent_block, index, number, here)
        for keyword, value in scope.keywords:
            self._put(value, Role.READ, outer, scope.parent_block, index, keyword or "", here)

    def tests(self, index: int, scope: model.Scope) -> None:
        """The conditions and iterated values of blocks."""
        for number, block in enumerate(scope.blocks):
            if block.test is not None and block.kind not in ("for", "with"):
                role = Role.ITERATED if block.kind == "comprehension" else Role.READ
                place = (block.line, 0, block.line, 0)
                self._put(block.test, role, index, number, -number - 1, "", place)

    def operation(self, scope: int, number: int, op: model.Op) -> None:
        """What an operation computes with."""
        place = (op.line, op.column, op.end_line or op.line, op.end_column)
        role = _OP_ROLES.get(op.kind, Role.READ)
        if op.value is not None:
            self._put(op.value, role, scope, op.block, number, "", place)
        if op.annotation is not None:
            self._put(op.annotation, Role.READ, scope, op.block, number, "", place)
        if isinstance(op.target, model.Attr):
            self._put(op.target.value, Role.READ, scope, op.block, number, "", place)
        elif isinstance(op.target, model.Subscript):
            self._put(op.target, Role.READ, scope, op.block, number, "", place)

    def call(self, index: int, call: model.Call) -> None:
        """The callee and the arguments."""
        place = (call.line, call.column, call.end_line, call.end_column)
        self._put(call.func, Role.CALLEE, call.scope, call.block, index, "", place)
        for number, argument in enumerate(call.args):
            self._put(argument, Role.ARGUMENT, call.scope, call.block, index, number, place)
        for keyword, argument in call.keywords:
            self._put(argument, Role.ARGUMENT, call.scope, call.block, index, keyword or "**", place)

    def _put(
        self,
        expr: Expr,
        role: Role,
        scope: int,
        block: int,
        index: int,
        slot: int | str,
        place: tuple[int, int, int, int],
    ) -> None:
        if isinstance(expr, CallRef):
            if expr.index not in self.calls:
                self.calls[expr.index] = Position(role, scope, block, index, slot, expr, *place)
        elif not isinstance(expr, Const) or _names_something(expr.value):
            self._walk(expr, Position(role, scope, block, index, slot, expr, *place))

    def _walk(self, expr: Expr, position: Position) -> None:
        # The four that nearly all expressions are made of, the most frequent first: this is a hot path.
        if isinstance(expr, Name):
            self.names.setdefault(expr.id, []).append(Reference(expr, position))
        elif isinstance(expr, Attr):
            self.names.setdefault(expr.attr, []).append(Reference(expr, position))
            self._walk(expr.value, _as_read(position))
        elif isinstance(expr, CallRef):
            self.calls.setdefault(expr.index, position)
        elif isinstance(expr, Const):
            if _names_something(expr.value):
                last = str(expr.value).replace(":", ".").rpartition(".")[2]
                self.strings.setdefault(last, []).append(Reference(expr, position))
        else:
            self._walk_parts(expr, position)

    def _walk_parts(self, expr: Expr, position: Position) -> None:
        if isinstance(expr, model.Lambda):
            self.lambdas.setdefault(expr.scope, position)
        elif isinstance(expr, (model.Await, model.Walrus, model.Star)):
            self._walk(expr.value, position)
        elif isinstance(expr, model.Subscript):
            self._walk(expr.value, position)
            self._walk(expr.index, _as_read(position))
        elif isinstance(expr, (model.Bool, model.Items)):
            self._walk_all(expr.items, position)
        elif isinstance(expr, model.Comprehension):
            self._walk_all(expr.elements, position)
        elif isinstance(expr, model.Mapping):
            self._walk_all([key for key in expr.keys if key is not None], _as_read(position))
            self._walk_all(expr.values, position)
        elif isinstance(expr, model.Conditional):
            self._walk(expr.test, _as_read(position))
            self._walk_all([expr.body, expr.orelse], position)
        else:
            self._walk_all(_parts(expr), _as_read(position))

    def _walk_all(self, items: list[Expr], position: Position) -> None:
        for item in items:
            self._walk(item, position)


_OP_ROLES = {
    "bind": Role.ASSIGNED,
    "aug": Role.ASSIGNED,
    "for": Role.ITERATED,
    "with": Role.ENTERED,
    "return": Role.RETURNED,
    "yield": Role.YIELDED,
}


def _names_something(text: object) -> bool:
    """A literal may be a text like "package.module:name"."""
    if type(text) is not str or " " in text or not ("." in text or ":" in text) or len(text) >= 200:
        return False
    return text.replace(":", ".").rpartition(".")[2].isidentifier()


def _parts(expr: Expr) -> list[Expr]:
    """The expressions that a value is merely computed from."""
    if isinstance(expr, model.Derived):
        return expr.items
    if isinstance(expr, model.Compare):
        return [expr.left, expr.right]
    if isinstance(expr, (model.Not, model.YieldValue)) and expr.value is not None:
        return [expr.value]
    return []


def _as_read(position: Position) -> Position:
    return position if position.role is Role.READ else msgspec.structs.replace(position, role=Role.READ)
