"""A call such as `engine.dispose()` that runs however a block of statements ends: `try: ... finally: ...`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing import indenting
from poollint.editing.moving import Bound, bound_by, own_lines
from poollint.editing.proposal import Refusal
from poollint.editing.variables import Variables, names_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

_FORMATTING = re.compile(r"#\s*(?:fmt|yapf):\s*(?:off|skip|disable)\b")


class Finishing:
    """One object that a function makes for itself, and the statements after it in its block."""

    def __init__(self, tree: FileTree, call: cst.Call, method: str) -> None:
        self._tree = tree
        self._call = call
        self._method = method

    def edits(self, asynchronous: bool) -> tuple[Edit, ...] | Refusal:
        """The edits that call the method in a `finally` behind the rest of the block, or move the call there.

        A call that stands in the block already ends the part that is tried.
        """
        bound = bound_by(self._tree, self._call)
        function = self._tree.function(self._call)
        block = self._tree.parents.get(bound.statement) if bound is not None else None
        if bound is None or function is None or not isinstance(block, cst.IndentedBlock):
            return Refusal("no variable of a function holds the engine")
        reason = self._reason_against(function, bound, asynchronous)
        if reason:
            return Refusal(reason)
        statements = list(block.body)
        places = [each is bound.statement for each in statements]
        rest = statements[places.index(True) + 1 :]
        finishing = self._finishing(function, bound.name)
        ends = [number for number, each in enumerate(rest) if any(each is one for one in finishing)]
        if len(finishing) > 1 or len(ends) < len(finishing):
            return Refusal(f"{self._method}() is called elsewhere in the function")
        tried = rest[: ends[0]] if ends else self._needed(rest, bound.name)
        if not tried:
            return Refusal("nothing in the block uses the engine")
        if not finishing and len(tried) == 1 and isinstance(tried[0], cst.Try) and tried[0].finalbody is None:
            return self._ended(bound, tried[0], asynchronous)
        return self._wrapped(bound, tried, finishing[0] if finishing else None, asynchronous)

    def _needed(self, rest: Sequence[cst.CSTNode], name: str) -> Sequence[cst.CSTNode]:
        """The statements up to the last that reads the name; all, where something that they bind is read later."""
        reads = [name in set(map(_value, names_in(statement))) for statement in rest]
        if not any(reads):
            return ()
        last = len(reads) - 1 - reads[::-1].index(True)
        needed, later = rest[: last + 1], rest[last + 1 :]
        bound = {each.value for statement in needed for each in names_in(statement) if _is_bound(self._tree, each)}
        read_later = {each.value for statement in later for each in names_in(statement)}
        return rest if bound & read_later or any(map(_stores, needed)) else needed

    def _ended(self, bound: Bound, tried: cst.Try, asynchronous: bool) -> tuple[Edit, ...] | Refusal:
        """A `finally` of a `try` that is there already."""
        tree = self._tree
        last = indenting.last_line(tree, tried)
        if formatted_otherwise(tree, tree.location(tried).line, last):
            return Refusal("a part of it is not to be formatted")
        own, step = tree.indentation(tried), indenting.step_of(tree, tried)
        ending = f"{own}{step}{'await ' if asynchronous else ''}{bound.name}.{self._method}()"
        text = tree.newline.join(("", f"{own}finally:", ending))
        return (tree.insert(last, len(tree.source.line_text(last)) + 1, text),)

    def _reason_against(self, function: cst.FunctionDef, bound: Bound, asynchronous: bool) -> str:
        variables = Variables(self._tree, function)
        variable = variables[bound.name]
        if variable.is_foreign or variable.is_parameter or len(variable.bindings) != 1:
            return f"{bound.name} is bound more than once"
        if variable.captured:
            return f"{bound.name} is used in code that runs later"
        block = self._tree.parents[bound.statement]
        if any(block not in self._tree.around(read) for read in variable.reads):
            return f"{bound.name} is used outside of the block that makes it"
        if asynchronous and function.asynchronous is None:
            return "await is only possible in an async def"
        may_stop = function.asynchronous is not None and yields(function.body)
        return "an asynchronous generator may never be closed" if may_stop else ""

    def _finishing(self, function: cst.FunctionDef, name: str) -> Sequence[cst.CSTNode]:
        """The statements that call the method, and whatever else names it."""
        found: list[cst.CSTNode] = []
        for read in Variables(self._tree, function)[name].reads:
            method = self._tree.parents[read]
            if not isinstance(method, cst.Attribute) or method.attr.value != self._method:
                continue
            call: cst.CSTNode = self._tree.parents[method]
            awaited = self._tree.parents[call]
            outer = self._tree.parents[awaited] if isinstance(awaited, cst.Await) else awaited
            line = self._tree.statement(read)
            is_alone = isinstance(outer, cst.Expr) and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
            found.append(line if is_alone and line is not None and isinstance(call, cst.Call) else read)
        return found

    def _wrapped(
        self, bound: Bound, tried: Sequence[cst.CSTNode], finishing: cst.CSTNode | None, asynchronous: bool
    ) -> tuple[Edit, ...] | Refusal:
        tree, newline = self._tree, self._tree.newline
        start = tree.location(bound.statement).end_line
        end = indenting.last_line(tree, tried[-1])
        last = tree.location(finishing).end_line if finishing is not None else end
        if formatted_otherwise(tree, start, last):
            return Refusal("a part of it is not to be formatted")
        step, own = indenting.step_of(tree, bound.statement), tree.indentation(bound.statement)
        first = next(line for line in range(start + 1, end + 1) if tree.source.line_text(line).strip())
        body = "".join(indenting.shifted(tree, first, end, step)).rstrip("\r\n")
        if isinstance(finishing, cst.SimpleStatementLine):
            moved = "".join(indenting.shifted(tree, *own_lines(tree, finishing), step)).rstrip("\r\n")
        else:
            moved = f"{own}{step}{'await ' if asynchronous else ''}{bound.name}.{self._method}()"
        text = newline.join(("", f"{own}try:", body, f"{own}finally:", moved))
        ends = (len(tree.source.line_text(line)) + 1 for line in (start, last))
        return (tree.between((start, next(ends)), (last, next(ends)), text),)


def _value(name: cst.Name) -> str:
    return name.value


def _is_bound(tree: FileTree, name: cst.Name) -> bool:
    """The name is a target: of an assignment, a `with`, a loop; or its definition."""
    inner: cst.CSTNode = name
    outer = tree.parents[inner]
    while isinstance(outer, (cst.Tuple, cst.List, cst.Element, cst.StarredElement)):
        inner, outer = outer, tree.parents[outer]
    if isinstance(outer, (cst.AssignTarget, cst.AsName, cst.ImportAlias)):
        return True
    if isinstance(outer, (cst.AnnAssign, cst.AugAssign, cst.For, cst.CompFor, cst.NamedExpr)):
        return outer.target is inner
    return isinstance(outer, (cst.FunctionDef, cst.ClassDef)) and outer.name is inner


def _stores(node: cst.CSTNode) -> bool:
    """Something is stored in an attribute or a container."""
    if isinstance(node, cst.AssignTarget) and not isinstance(node.target, cst.Name):
        return True
    return any(map(_stores, node.children))


def formatted_otherwise(tree: FileTree, first: int, last: int) -> bool:
    """A line says that it is not to be formatted, or holds a form feed."""
    lines = (tree.source.line_text(line) for line in range(first, last + 1))
    return any(_FORMATTING.search(line) or "\f" in line for line in lines)


def yields(node: cst.CSTNode) -> bool:
    """The code of a function gives values while it runs."""
    if isinstance(node, (cst.FunctionDef, cst.Lambda, cst.ClassDef)):
        return False
    return isinstance(node, cst.Yield) or any(map(yields, node.children))
