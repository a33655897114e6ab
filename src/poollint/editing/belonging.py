"""What the values of a function still need of a session or connection: judged from the expressions that give them.

Methods as of SQLAlchemy 1.3 to 2.1:
https://docs.sqlalchemy.org/en/20/core/connections.html#sqlalchemy.engine.Result
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct

from poollint.editing.variables import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.editing.tree import FileTree
    from poollint.editing.variables import Variables
    from poollint.findings import Location


class Needs(IntEnum):
    """What a value needs; more the later it stands."""

    NOTHING = 0
    SESSION_PERHAPS = 1
    """An object of the session, which loads what it lacks."""
    UNKNOWN = 2
    """What other code made of the session or of a result."""
    READING = 3
    """A result or query whose rows are plain values."""
    READING_OBJECTS = 4
    """A result or query whose rows may be objects of the session."""
    KEEPS = 5
    """What other code made of the session or connection, and may hold it."""
    ITSELF = 6


_EXECUTES = frozenset({"execute", "exec", "exec_driver_sql", "scalars", "stream", "stream_scalars", "query"})
_LOADS = frozenset({"get", "get_one", "merge", "merge_all"})
_GIVES_NOTHING = frozenset(
    {
        "add", "add_all", "delete", "delete_all", "flush", "commit", "rollback", "close", "refresh", "expire",
        "expire_all", "expunge", "expunge_all", "in_transaction", "is_modified", "bulk_save_objects",
        "bulk_insert_mappings", "bulk_update_mappings", "execution_options", "aclose", "invalidate", "reset",
    }
)  # fmt: skip
_TAKES_OBJECTS = frozenset({"add", "add_all", "delete", "delete_all", "merge", "merge_all", "refresh"})
_READS = frozenset(
    {
        "all", "fetchall", "fetchmany", "fetchone", "first", "get", "get_one", "one", "one_or_none", "scalar",
        "scalar_one", "scalar_one_or_none", "partitions",
    }
)  # fmt: skip
_COUNTS = frozenset({"count", "keys", "close", "delete", "update"})
_NUMBERS = frozenset({"rowcount", "lastrowid", "inserted_primary_key", "returns_rows", "is_insert"})
_PLAIN_BUILTINS = frozenset(
    {"len", "str", "int", "float", "bool", "any", "all", "print", "isinstance", "repr", "format", "hash", "id", "type"}
)
_READING_BUILTINS = frozenset({"list", "tuple", "set", "sorted", "dict", "frozenset", "next", "max", "min", "sum"})
_LAZY_BUILTINS = frozenset({"iter", "enumerate", "zip", "map", "filter", "reversed"})
_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
_DISPLAYS = (cst.Tuple, cst.List, cst.Set)
_PLAIN_NODES = (cst.BaseString, cst.BaseNumber, cst.Comparison, cst.UnaryOperation)
_ROUNDS = 20


class Belonging(Struct):
    """Judges the expressions of one function. `handle` is the variable of the session or connection.

    `plain`: the places of calls on it whose rows hold no objects. `objects` is False for a connection, where none do.
    """

    tree: FileTree
    variables: Variables
    handle: str
    plain: frozenset[Location]
    objects: bool
    own_calls: frozenset[Location] = frozenset()
    made: cst.Call | None = None
    """The call that gives the handle, where no variable holds it."""
    needs: dict[str, Needs] = {}
    escapes: list[tuple[cst.CSTNode, Needs]] = []
    """Where a value leaves the variables of the function for good: an attribute, a call that may keep it."""

    def follow(self, body: cst.CSTNode) -> None:
        """Find out about all variables that `body` binds, and what leaves through them."""
        self.needs[self.handle] = Needs.ITSELF
        nodes = list(_descendants(body))
        for _ in range(_ROUNDS):
            before = dict(self.needs)
            self.escapes.clear()
            for node in nodes:
                self._step(node)
            if self.needs == before:
                break

    # ----------------------------------------------------------------------------------------------- statements
    def _step(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Assign):
            for target in node.targets:
                self._bind(target.target, self.of(node.value))
        elif isinstance(node, (cst.AnnAssign, cst.AugAssign, cst.NamedExpr)):
            if node.value is not None:
                self._bind(node.target, self.of(node.value))
        elif isinstance(node, (cst.For, cst.CompFor)):
            self._bind(node.target, element_of(self.of(node.iter)))
        elif isinstance(node, cst.WithItem) and node.asname is not None:
            self._bind(node.asname.name, self.of(node.item))
        elif isinstance(node, cst.Match):
            for name in (each for case in node.cases for each in names_in(case.pattern)):
                self._join(name.value, self.of(node.subject))
        elif isinstance(node, cst.Raise) and node.exc is not None:
            self._escape(node, self.of(node.exc))
        elif isinstance(node, cst.Call):
            self._called(node)

    def _bind(self, target: cst.CSTNode, needs: Needs) -> None:
        if isinstance(target, (cst.Tuple, cst.List)):
            for element in target.elements:
                self._bind(element.value, element_of(needs))
        elif isinstance(target, cst.Name):
            self._join(target.value, needs)
            if not self.variables.is_local(target.value):
                self._escape(target, needs)
        else:
            self._stored(target, needs)

    def _stored(self, target: cst.CSTNode, needs: Needs) -> None:
        """Into an attribute or a container: a variable of the function that holds it is one to follow."""
        root = _root(target)
        if needs is Needs.NOTHING or root is None:
            return
        known = self.needs.get(root.value, Needs.NOTHING)
        if root.value == self.handle or (known and not self.variables[root.value].is_parameter):
            self._join(root.value, needs if root.value != self.handle else Needs.NOTHING)
        elif self.variables.is_local(root.value) and not self.variables[root.value].is_parameter:
            self._join(root.value, needs)
        else:
            self._escape(target, needs)

    def _called(self, call: cst.Call) -> None:
        """What is given to a call may stay with its receiver, or with code that is not known."""
        func = call.func
        on_handle = isinstance(func, cst.Attribute) and self.of(func.value) is Needs.ITSELF
        if on_handle and isinstance(func, cst.Attribute):
            if self.objects and func.attr.value in _TAKES_OBJECTS:
                for argument in call.args:
                    self._given(argument.value)
            return
        if isinstance(func, cst.Name) and func.value in _KNOWN_BUILTINS:
            return
        if isinstance(func, cst.Attribute) and func.attr.value in _LOGS and not self.of(func.value):
            return
        given = _most(
            min(self.of(argument.value), Needs.UNKNOWN) for argument in call.args if not self._is_handle(argument)
        )
        if given is Needs.NOTHING:
            return
        if isinstance(func, cst.Attribute) and self.of(func.value) >= Needs.READING:
            return
        if isinstance(func, cst.Attribute):
            self._stored(func, given)
        else:
            self._escape(call, given)

    def _is_handle(self, argument: cst.Arg) -> bool:
        return isinstance(argument.value, cst.Name) and argument.value.value == self.handle

    def _given(self, value: cst.BaseExpression) -> None:
        """An object becomes one of the session."""
        if isinstance(value, _DISPLAYS):
            for element in value.elements:
                self._given(element.value)
        elif isinstance(value, cst.Name):
            self._join(value.value, Needs.SESSION_PERHAPS)
            if not self.variables.is_local(value.value) or self.variables[value.value].is_parameter:
                self._escape(value, Needs.SESSION_PERHAPS)
        elif isinstance(value, (cst.Attribute, cst.Subscript)):
            self._stored(value, Needs.SESSION_PERHAPS)

    def _join(self, name: str, needs: Needs) -> None:
        if name != self.handle and needs is not Needs.NOTHING:
            self.needs[name] = _most((self.needs.get(name, Needs.NOTHING), needs))

    def _escape(self, node: cst.CSTNode, needs: Needs) -> None:
        if needs is not Needs.NOTHING:
            self.escapes.append((node, needs))

    # ---------------------------------------------------------------------------------------------- expressions
    def of(self, expr: cst.CSTNode) -> Needs:
        """What the value of an expression needs."""
        if expr is self.made:
            return Needs.ITSELF
        if isinstance(expr, cst.Name):
            return self.needs.get(expr.value, Needs.NOTHING)
        if isinstance(expr, _PLAIN_NODES):
            return Needs.NOTHING
        if isinstance(expr, cst.Call):
            return self._of_call(expr)
        if isinstance(expr, cst.Attribute):
            return self._of_attribute(expr)
        if isinstance(expr, (cst.ListComp, cst.SetComp)):
            return self.of(expr.elt)
        if isinstance(expr, cst.DictComp):
            return _most((self.of(expr.key), self.of(expr.value)))
        if isinstance(expr, cst.GeneratorExp):
            return self._of_generator(expr)
        if isinstance(expr, cst.Subscript):
            return element_of(self.of(expr.value))
        if isinstance(expr, (cst.Await, cst.StarredElement, cst.NamedExpr)):
            return self.of(expr.expression if isinstance(expr, cst.Await) else expr.value)
        if isinstance(expr, cst.IfExp):
            return _most((self.of(expr.body), self.of(expr.orelse)))
        if isinstance(expr, (cst.BooleanOperation, cst.BinaryOperation)):
            return _most((self.of(expr.left), self.of(expr.right)))
        if isinstance(expr, _DISPLAYS):
            return _most(self.of(element.value) for element in expr.elements)
        if isinstance(expr, cst.Dict):
            return _most(self.of(element.value) for element in expr.elements)
        return self._of_unknown(expr)

    def _of_unknown(self, expr: cst.CSTNode) -> Needs:
        """A lambda or whatever: as much as what it mentions."""
        found = _most(self.needs.get(name.value, Needs.NOTHING) for name in names_in(expr))
        return Needs.READING_OBJECTS if found >= Needs.KEEPS else found

    def _of_attribute(self, expr: cst.Attribute) -> Needs:
        base = self.of(expr.value)
        if base is Needs.ITSELF:
            return Needs.ITSELF if expr.attr.value == "no_autoflush" else Needs.UNKNOWN
        return Needs.NOTHING if base >= Needs.READING and expr.attr.value in _NUMBERS else base

    def _of_generator(self, expr: cst.GeneratorExp) -> Needs:
        """It reads when it is read itself."""
        element = self.of(expr.elt)
        iterated = self._of_unknown(expr.for_in)
        if iterated < Needs.READING:
            return element
        return Needs.READING_OBJECTS if element else Needs.READING

    def _of_call(self, call: cst.Call) -> Needs:
        func = call.func
        arguments = _most(self.of(argument.value) for argument in call.args)
        if isinstance(func, cst.Name) and func.value in _KNOWN_BUILTINS:
            if func.value in _PLAIN_BUILTINS:
                return Needs.NOTHING
            return element_of(arguments) if func.value in _READING_BUILTINS else arguments
        place = self.tree.location(call)
        if arguments and place in self.plain:
            return Needs.NOTHING
        if arguments >= Needs.KEEPS and place not in self.own_calls:
            passed = Needs.KEEPS
        else:
            passed = min(arguments, Needs.UNKNOWN)
        if not isinstance(func, cst.Attribute):
            return _most((passed, self.of(func)))
        if isinstance(func.value, cst.BaseString):
            return Needs.NOTHING
        base = self.of(func.value)
        if base is Needs.ITSELF:
            return self._of_method(call, func.attr.value)
        if base is Needs.KEEPS:
            return Needs.UNKNOWN
        if base >= Needs.READING:
            if func.attr.value in _READS:
                return element_of(base)
            return Needs.NOTHING if func.attr.value in _COUNTS else base
        return _most((passed, base))

    def _of_method(self, call: cst.Call, method: str) -> Needs:
        """A call on the session or connection itself."""
        plain = not self.objects or self.tree.location(call) in self.plain
        if method in _EXECUTES:
            return Needs.READING if plain else Needs.READING_OBJECTS
        if method == "scalar":
            return Needs.NOTHING if plain else Needs.SESSION_PERHAPS
        if method in _LOADS:
            return Needs.SESSION_PERHAPS
        return Needs.NOTHING if method in _GIVES_NOTHING else Needs.UNKNOWN


_KNOWN_BUILTINS = _PLAIN_BUILTINS | _READING_BUILTINS | _LAZY_BUILTINS


def _most(needs: Iterable[Needs]) -> Needs:
    """What values need together. Rows that are plain beside objects that are not: a result with objects."""
    found = set(needs)
    most = max(found, default=Needs.NOTHING)
    mixed = most is Needs.READING and found & {Needs.SESSION_PERHAPS, Needs.UNKNOWN}
    return Needs.READING_OBJECTS if mixed else most


def element_of(needs: Needs) -> Needs:
    """What the rows of a result, or the parts of a value need."""
    return {
        Needs.READING: Needs.NOTHING,
        Needs.READING_OBJECTS: Needs.SESSION_PERHAPS,
        Needs.KEEPS: Needs.UNKNOWN,
        Needs.ITSELF: Needs.UNKNOWN,
    }.get(needs, needs)


def _root(target: cst.CSTNode) -> cst.Name | None:
    """The variable at the start of `a.b[c].d`."""
    while isinstance(target, (cst.Attribute, cst.Subscript, cst.Call)):
        target = target.func if isinstance(target, cst.Call) else target.value
    return target if isinstance(target, cst.Name) else None


def _descendants(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _descendants(child)
