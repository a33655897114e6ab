"""Calls that a function makes again and again, made once at the top level of the file instead."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct
from msgspec.structs import replace

from poollint.editing.module_names import ModuleNames
from poollint.editing.moving import (
    Bound,
    Named,
    anchor_for,
    below,
    bound_by,
    moved_text,
    moved_value,
    names_in,
    outermost_function,
    top_level,
    without,
)
from poollint.editing.proposal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

_CONDITIONAL = (
    cst.If,
    cst.Else,
    cst.ExceptHandler,
    cst.ExceptStarHandler,
    cst.Match,
    cst.IfExp,
    cst.BooleanOperation,
    cst.CompFor,
)
_CONFIGURING = frozenset({"listen", "listens_for", "instrument"})
"""What is told about an object once, not again and again."""
_PLAIN = (cst.Name, cst.Attribute, cst.SimpleString, cst.Integer)
_CHANGING = frozenset({"dispose", "configure", "update_execution_options"})


class Moved(Struct, frozen=True):
    """A call with its new name at the top level, the text there, and the edits that use the name in its place."""

    name: str
    text: str
    edits: tuple[Edit, ...]
    reads: tuple[cst.CSTNode, ...]
    """The expressions whose names have to be there before."""


class Hoisting:
    """Moves calls of one function to the top level of its file."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._names = ModuleNames(tree)

    def edits(
        self, call: cst.Call, preferred: Sequence[str], built_on_it: Sequence[tuple[cst.Call, Sequence[str]]] = ()
    ) -> tuple[Edit, ...] | Refusal:
        """The edits that make a call once, and the calls `built_on_it` with it where that is possible.

        Where a result has no name of its own it is given the first of the preferred names that is free.
        """
        moved = self._moved(call, preferred, None)
        if isinstance(moved, Refusal):
            return moved
        all_moved = [moved]
        for other, names in built_on_it:
            is_inside = call in _within(other)
            if not self._is_built_on(other, call, moved.name):
                continue
            further = self._moved(other, names, Named(call, moved.name) if is_inside else None)
            if isinstance(further, Refusal):
                continue
            if is_inside:
                all_moved[0] = replace(moved, edits=())
            all_moved.append(further)
        return self._joined(call, all_moved)

    def _joined(self, call: cst.Call, moved: Sequence[Moved]) -> tuple[Edit, ...] | Refusal:
        own = {each.name for each in moved if each.text}
        reads = [name for each in moved if each.text for node in each.reads for name in names_in(node)]
        needed = sorted(set(reads) - own)
        unknown = next((name for name in needed if not self._is_of_module(name, call)), "")
        if unknown:
            return Refusal(f"{unknown} is no variable of the module")
        anchor = anchor_for(self._tree, self._names, call, needed)
        if isinstance(anchor, Refusal):
            return anchor
        text = self._tree.newline.join(each.text for each in moved if each.text)
        added = (below(self._tree, anchor, text),) if text else ()
        return (*added, *(edit for each in moved for edit in each.edits))

    # ------------------------------------------------------------------------------------------------- one call
    def _moved(self, call: cst.Call, preferred: Sequence[str], inside: Named | None) -> Moved | Refusal:
        reason = self._reason_against(call)
        if reason:
            return Refusal(reason)
        bound = bound_by(self._tree, call)
        if bound is not None:
            return self._moved_statement(bound, call, inside)
        return self._moved_part(call, preferred, inside)

    def _reason_against(self, call: cst.Call) -> str:
        function = self._tree.function(call)
        if function is None:
            return "it is not made in the body of a function"
        inner: cst.CSTNode = call
        for outer in self._tree.around(call):
            if outer is function:
                return ""
            if isinstance(outer, _CONDITIONAL):
                return "it is made under a condition"
            inner = outer
        return f"it is not clear where {type(inner).__name__} runs"

    def _moved_statement(self, bound: Bound, call: cst.Call, inside: Named | None) -> Moved | Refusal:
        """`name = call` moves with its comments, under its own name."""
        reason = self._reason_against_uses(bound)
        if reason:
            return Refusal(reason)
        removal = without(self._tree, bound.statement)
        text = moved_text(self._tree, bound.statement, inside)
        if isinstance(removal, Refusal):
            return removal
        if isinstance(text, Refusal):
            return text
        part = bound.statement.body[0]
        reads: tuple[cst.CSTNode, ...] = (call,)
        if isinstance(part, cst.AnnAssign):
            reads = (call, part.annotation.annotation)
            if not all(self._is_plainly_bound(name) for name in names_in(part.annotation.annotation)):
                return Refusal("its type is not known at module level")
        if self._names.is_bound(bound.name):
            if not self._is_same_at_top(bound.name, call):
                return Refusal(f"the module has something else that is called {bound.name}")
            text = ""
        return Moved(bound.name, text, (removal,), reads)

    def _moved_part(self, call: cst.Call, preferred: Sequence[str], inside: Named | None) -> Moved | Refusal:
        """A call inside of an expression: a name takes its place."""
        outer = self._tree.parents.get(call)
        if isinstance(outer, (cst.Assign, cst.AnnAssign, cst.NamedExpr)):
            return Refusal("the result is kept in more than a plain variable")
        if isinstance(outer, cst.Attribute) and outer.attr.value in _CHANGING:
            return Refusal(f"{outer.attr.value}() is called on it")
        same = next((name for name in preferred if self._is_same_at_top(name, call)), "")
        name = same or next((name for name in preferred if self._is_free(name, call)), "")
        if not name:
            return Refusal("no name is free for it at module level")
        text = "" if same else moved_value(self._tree, call, name, inside)
        if isinstance(text, Refusal):
            return text
        return Moved(name, text, (self._tree.replace(call, name),), (call,))

    # --------------------------------------------------------------------------------------------------- names
    def _is_free(self, name: str, at: cst.CSTNode) -> bool:
        """Neither the module nor the function around a place calls anything so."""
        function = outermost_function(self._tree, at)
        taken = function is None or self._names.occurrences(name, function)
        return not (taken or self._names.has_star or self._names.is_bound(name))

    def _is_of_module(self, name: str, at: cst.CSTNode) -> bool:
        """The module or Python itself binds the name, and the function around a place does not."""
        function = outermost_function(self._tree, at)
        found = self._names.occurrences(name, function) if function is not None else []
        is_there = name in self._names.bindings or hasattr(builtins, name)
        return is_there and not any(each.binds for each in found)

    def _is_plainly_bound(self, name: str) -> bool:
        bound = self._names.bindings.get(name, ())
        indices = [self._names.index_of(each) for each in bound]
        if len(indices) != 1 or self._names.is_declared_global(name):
            return False
        return isinstance(self._tree.module.body[indices[0]], cst.SimpleStatementLine)

    def _is_same_at_top(self, name: str, call: cst.Call) -> bool:
        """The module makes the very same there already, and nothing else is ever called so."""
        bound = self._names.bindings.get(name, ())
        index = self._names.index_of(bound[0]) if len(bound) == 1 else -1
        line = self._tree.module.body[index] if 0 <= index < top_level(self._tree, call) else None
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            return False
        part = line.body[0]
        value = part.value if isinstance(part, (cst.Assign, cst.AnnAssign)) else None
        if not (isinstance(value, cst.Call) and self._tree.text(value) == self._tree.text(call)):
            return False
        function = outermost_function(self._tree, call)
        found = self._names.occurrences(name, function) if function is not None else []
        own = bound_by(self._tree, call)
        return sum(each.binds for each in found) == (own is not None)

    def _reason_against_uses(self, bound: Bound) -> str:
        """Why the name of a function cannot become one of the module, as far as its uses tell."""
        tree = self._tree
        if self._names.has_star:
            return "a star import may bind the same name"
        outer = outermost_function(tree, bound.statement)
        found = self._names.occurrences(bound.name, outer) if outer is not None else []
        if sum(each.binds for each in found) != 1:
            return f"{bound.name} is set in several places"
        for occurrence in found:
            node = tree.at(occurrence.location, cst.Name) if occurrence.location is not None else None
            reason = self._reason_against_use(node) if node is not None and not occurrence.binds else ""
            if reason:
                return reason
        return ""

    def _reason_against_use(self, name: cst.Name) -> str:
        """A use changes the object, or ends its life."""
        node: cst.CSTNode = name
        outer = self._tree.parents.get(node)
        while isinstance(outer, (cst.Attribute, cst.Subscript)):
            if isinstance(outer, cst.Attribute) and outer.attr.value in _CHANGING:
                return f"the function calls {name.value}.{outer.attr.value}()"
            node, outer = outer, self._tree.parents.get(outer)
        if isinstance(outer, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign, cst.Del)):
            is_read = isinstance(outer, (cst.AugAssign, cst.AnnAssign)) and node is outer.value
            return "" if is_read else f"the function changes {name.value}"
        call = self._tree.parents.get(outer) if isinstance(outer, cst.Arg) else None
        if isinstance(call, cst.Call) and _last_name(call.func) in _CONFIGURING:
            return f"{_last_name(call.func)}() would be called on it again and again"
        return ""

    def _is_built_on(self, other: cst.Call, call: cst.Call, name: str) -> bool:
        """An argument of the other call is the first one, and all else is known at the top level."""
        values = [argument.value for argument in other.args]
        if any(argument.star for argument in other.args):
            return False
        is_given = any(value is call or (isinstance(value, cst.Name) and value.value == name) for value in values)
        return is_given and self.is_known_at_top(other, Named(call, name))

    def is_known_at_top(self, call: cst.Call, given: Named | None = None) -> bool:
        """All that a call reads is bound once and plainly by the module, but for what it is given."""
        values = [argument.value for argument in call.args if given is None or argument.value is not given.call]
        if not all(isinstance(value, _PLAIN) for value in values) or any(argument.star for argument in call.args):
            return False
        read = set().union(*map(names_in, (call.func, *values))) - {"True", "False", "None"}
        if given is not None:
            read -= {given.name}
        function = outermost_function(self._tree, call)
        found = [each for one in read for each in self._names.occurrences(one, function)] if function else []
        return all(map(self._is_plainly_bound, read)) and not any(each.binds for each in found)


def _last_name(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def _within(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _within(child)
