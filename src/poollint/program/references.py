"""Where names occur in a file, and in which position: the reverse index that callers are found with.

Built lazily for the files that mention a name at stake. A position says what happens to the value there: it is called,
passed, assigned, returned, used as a decorator, a default or a base class, or merely read.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from poollint.facts import model
from poollint.facts.model import Attr, CallRef, Const, Expr, Name

if TYPE_CHECKING:
    from poollint.facts.model import ModuleFacts


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
    """All occurrences in one file, by the last component of the name; calls and lambdas by their index."""

    def __init__(self, facts: ModuleFacts) -> None:
        self._facts = facts
        self.names: dict[str, list[Reference]] = {}
        self.calls: dict[int, Position] = {}
        self.lambdas: dict[int, Position] = {}
        self.strings: dict[str, list[Reference]] = {}
        for index, scope in enumerate(facts.scopes):
            self._scope(index, scope)
        for index, call in enumerate(facts.calls):
            self._call(index, call)

    def of(self, name: str) -> list[Reference]:
        """The occurrences of a name."""
        return self.names.get(name, [])

    # ---------------------------------------------------------------------------------------------- the walk
    def _scope(self, index: int, scope: model.Scope) -> None:
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
        for number, op in enumerate(scope.ops):
            self._op(index, number, op)
        for number, block in enumerate(scope.blocks):
            if block.test is not None and block.kind not in ("for", "with"):
                role = Role.ITERATED if block.kind == "comprehension" else Role.READ
                place = (block.line, 0, block.line, 0)
                self._put(block.test, role, index, number, -number - 1, "", place)

    def _op(self, scope: int, number: int, op: model.Op) -> None:
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

    def _call(self, index: int, call: model.Call) -> None:
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
