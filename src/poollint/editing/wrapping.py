"""The editor that puts a session or connection, and everything that uses it, into a `with` block."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst
from msgspec.structs import replace

from poollint.editing import indenting
from poollint.editing.belonging import Belonging, Needs, element_of
from poollint.editing.block_headers import (
    Begins,
    Unfit,
    block_header,
    changes_schema,
    commits,
    ends_transactions,
    reason_against_leaving,
)
from poollint.editing.hands_off import holds_formatting
from poollint.editing.proposal import Proposal, Refusal
from poollint.editing.variables import Variables
from poollint.findings import Applicability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.editing.block_headers import Wrap
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

_SAME = frozenset({"execution_options"})


def wrapped(tree: FileTree, wrap: Wrap) -> Proposal | Refusal:
    """The edits that wrap it; safe where nothing that leaves the block still needs what is closed at its end."""
    try:
        return Wrapping(tree, wrap).proposal()
    except Unfit as unfit:
        return Refusal(str(unfit))


class Wrapping:
    """One creation with the statements after it in its block. Raises Unfit where it cannot be wrapped."""

    def __init__(self, tree: FileTree, wrap: Wrap) -> None:
        self._tree = tree
        self._wrap = wrap
        call = tree.at(wrap.call, cst.Call)
        if call is None:
            raise Unfit("the call is not found in the source")
        self._call = call
        line = tree.statement(call)
        if not isinstance(line, cst.SimpleStatementLine):
            raise Unfit("it is not made by a statement of its own")
        self._creation = line
        function = tree.function(line)
        if function is None:
            raise Unfit("it is not made in a function")
        self._function = function
        self.name, self._value = self._assigned()
        if wrap.asynchronous and function.asynchronous is None:
            raise Unfit("async with is only possible in an async def")
        self._variables = Variables(tree, function)
        self._variable = self._variables[self.name]
        self._check_name()
        self._statements = self._block()
        self._wrap = self._noted(wrap)

    # ---------------------------------------------------------------------------------------------- the creation
    def _assigned(self) -> tuple[str, cst.BaseExpression]:
        """The variable, and the expression that becomes the context manager."""
        if len(self._creation.body) != 1:
            raise Unfit("several statements stand in one line")
        statement = self._creation.body[0]
        target: cst.BaseExpression
        if isinstance(statement, cst.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0].target, statement.value
        elif isinstance(statement, cst.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            raise Unfit("no single variable holds it")
        if not isinstance(target, cst.Name):
            raise Unfit("it is not held by a variable of the function")
        return target.value, self._entered(value)

    def _entered(self, value: cst.BaseExpression) -> cst.BaseExpression:
        """The part of the assigned value that gives the context manager."""
        inner = value.expression if isinstance(value, cst.Await) else value
        if isinstance(value, cst.Await) and self._wrap.awaits:
            value = inner
        if inner is not self._call and not self._is_same(inner):
            raise Unfit("the call is a part of a larger expression")
        if value.lpar and self._tree.location(value).line != self._tree.location(value).end_line:
            raise Unfit("the call spans lines inside of parentheses")
        return value

    def _is_same(self, value: cst.BaseExpression) -> bool:
        """`engine.connect().execution_options(...)`: the same connection again."""
        while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute) and value is not self._call:
            if value.func.attr.value not in _SAME or self._wrap.asynchronous:
                return False
            value = value.func.value
        return value is self._call

    # -------------------------------------------------------------------------------------------------- the uses
    def _check_name(self) -> None:
        variable = self._variable
        if variable.is_foreign:
            raise Unfit(f"{self.name} is a variable of the module or of an outer function")
        if variable.is_parameter or len(variable.bindings) != 1:
            raise Unfit(f"{self.name} is bound more than once")
        if variable.captured:
            raise Unfit(f"{self.name} is used in code that runs later")

    def _block(self) -> Sequence[cst.CSTNode]:
        """The creation and the statements after it."""
        block = self._tree.parents[self._creation]
        if not isinstance(block, cst.IndentedBlock):
            raise Unfit("the block is written in one line")
        statements = list(block.body)
        after = statements[statements.index(self._creation) :]
        if any(self._place(read, after) <= 0 for read in self._variable.reads):
            raise Unfit(f"{self.name} is used outside of the block that makes it")
        return after

    def _place(self, node: cst.CSTNode, statements: Sequence[cst.CSTNode]) -> int:
        """The index of the statement that holds the node; -1 for none."""
        places = {id(statement): number for number, statement in enumerate(statements)}
        around = (node, *self._tree.around(node))
        return next((places[id(each)] for each in around if id(each) in places), -1)

    @cached_property
    def _belonging(self) -> Belonging:
        found = Belonging(
            self._tree,
            self._variables,
            self.name,
            self._wrap.plain,
            objects=not self._wrap.connection,
            own_calls=self._wrap.own_calls,
        )
        found.follow(self._function.body)
        return found

    @cached_property
    def _last(self) -> tuple[int, bool]:
        """The last statement of the new block, and whether it closes what the block closes."""
        reads = [self._place(read, self._statements) for read in self._variable.reads]
        if not reads:
            raise Unfit(f"{self.name} is not used")
        last = max(reads)
        if self._closes(self._statements[last]):
            return last, True
        for name, needs in self._belonging.needs.items():
            if needs is not Needs.NOTHING:
                variable = self._variables[name]
                used = (*variable.reads, *variable.captured)
                last = max(last, *(self._place(read, self._statements) for read in used), 0)
        return last, False

    def _closes(self, statement: cst.CSTNode) -> bool:
        """`name.close()`, or a `try` that does it in `finally`."""
        if isinstance(statement, cst.Try) and statement.finalbody is not None:
            return any(self._is_close(each) for each in statement.finalbody.body.body)
        return self._is_close(statement)

    def _is_close(self, statement: cst.CSTNode) -> bool:
        if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
            return False
        expression = statement.body[0]
        call = expression.value if isinstance(expression, cst.Expr) else None
        if isinstance(call, cst.Await) and self._wrap.asynchronous:
            call = call.expression
        elif self._wrap.asynchronous:
            return False
        if not isinstance(call, cst.Call) or call.args or not isinstance(call.func, cst.Attribute):
            return False
        receiver = call.func.value
        is_close = call.func.attr.value in ("close", "aclose")
        return is_close and isinstance(receiver, cst.Name) and receiver.value == self.name

    # ----------------------------------------------------------------------------------------------- what leaves
    def _leaving(self) -> Needs:
        """The most that anything needs that leaves the block."""
        last, closes = self._last
        body = self._statements[1 : last + 1]
        found = [Needs.NOTHING]
        for node in self._nodes(body[:-1] if closes else body):
            if isinstance(node, cst.Return) and node.value is not None:
                found.append(self._belonging.of(node.value))
            elif isinstance(node, cst.Yield):
                found.append(self._of_yield(node))
        if not closes:
            found += [needs for node, needs in self._belonging.escapes if self._place(node, body) >= 0]
            found += self._used_outside(body)
        return max(found)

    def _of_yield(self, node: cst.Yield) -> Needs:
        """Who gets the handle uses it before the generator goes on; where nothing closes it then, perhaps later."""
        if isinstance(node.value, cst.From):
            needs = element_of(self._belonging.of(node.value.item))
        else:
            needs = self._belonging.of(node.value) if node.value is not None else Needs.NOTHING
        if self._wrap.yields and needs is Needs.ITSELF:
            return Needs.NOTHING if self._last[1] else Needs.UNKNOWN
        return max(needs, Needs.NOTHING if self._wrap.yields else Needs.UNKNOWN)

    def _used_outside(self, body: Sequence[cst.CSTNode]) -> list[Needs]:
        """Of variables that are read behind the block, and of functions that run later."""
        found = []
        for name, needs in self._belonging.needs.items():
            variable = self._variables[name]
            if name != self.name and (
                variable.captured or any(self._place(read, body) < 0 for read in variable.reads) or variable.is_foreign
            ):
                found.append(needs)
        return found

    def _nodes(self, statements: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
        """All nodes of the statements that are no part of an inner function."""
        found: list[cst.CSTNode] = []
        pending = list(statements)
        while pending:
            node = pending.pop()
            found.append(node)
            if not isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
                pending.extend(node.children)
        return found

    # --------------------------------------------------------------------------------------------------- the edits
    def proposal(self) -> Proposal | Refusal:
        """The edits."""
        leaving = self._leaving()
        reason = reason_against_leaving(self.name, leaving)
        if reason:
            return Refusal(reason)
        if leaving and self._wrap.begins in (Begins.FACTORY, Begins.SESSION):
            return Refusal("what it writes is never committed, and a commit expires the objects that leave the block")
        edits = self._edits()
        is_safe = not leaving and self._wrap.begins is Begins.NOT
        return Proposal(self._wrap.title, Applicability.SAFE if is_safe else Applicability.UNSAFE, edits)

    def _edits(self) -> tuple[Edit, ...]:
        tree = self._tree
        header, imports = self._header()
        place = tree.location(self._creation)
        last, _ = self._last
        dropped = self._is_close(self._statements[last]) and last > 1 and not self._has_comments(last)
        end = indenting.last_line(tree, self._statements[last])
        kept = indenting.last_line(tree, self._statements[last - 1]) if dropped else end
        self._check_lines(place.line, end)
        step = indenting.step_of(tree, self._creation)
        first = next(line for line in range(place.end_line + 1, kept + 1) if tree.source.line_text(line).strip())
        lines = indenting.shifted(tree, first, kept, step)
        behind = tree.source.lines[place.end_line - 1][place.end_column - 1 :]
        text = "".join((header, behind, *lines)).rstrip("\r\n")
        column = len(tree.source.line_text(end)) + 1
        return (tree.between((place.line, place.column), (end, column), text), *imports)

    def _header(self) -> tuple[str, tuple[Edit, ...]]:
        """The line that opens the block, and the import that it needs."""
        last, closes = self._last
        body = self._statements[1 : last + 1]
        ends = any(ends_transactions(node) for node in self._nodes(body[:-1] if closes else body))
        if self._wrap.begins is not Begins.NOT and ends:
            raise Unfit("what it writes is never committed, and the block ends transactions itself")
        return block_header(self._tree, self._wrap, self._value, self._call, self.name)

    def _noted(self, wrap: Wrap) -> Wrap:
        """What is to be wrapped; with a commit where the schema is changed and nothing commits."""
        nodes = self._nodes(self._statements[1:])
        changes = any(changes_schema(node, self._is_handle) for node in nodes)
        if not wrap.connection or not changes or any(map(commits, nodes)):
            return wrap
        return replace(wrap, begins=Begins.CONNECT)

    def _is_handle(self, value: cst.BaseExpression) -> bool:
        return isinstance(value, cst.Name) and value.value == self.name

    def _has_comments(self, index: int) -> bool:
        """A comment stands at the statement or above it."""
        place = self._tree.location(self._statements[index])
        above = indenting.last_line(self._tree, self._statements[index - 1])
        lines = [self._tree.source.line_text(number) for number in range(above + 1, place.line)]
        behind = self._tree.source.line_text(place.end_line)[place.end_column - 1 :]
        return any("#" in line for line in (*lines, behind))

    def _check_lines(self, first: int, last: int) -> None:
        if holds_formatting(self._tree.source, first, last):
            raise Unfit("a part of it is not to be formatted")
        place = self._tree.location(self._creation)
        before = self._tree.source.line_text(place.line)[: place.column - 1]
        behind = self._tree.source.line_text(place.end_line)[place.end_column - 1 :].strip()
        if before.strip() or (behind and not behind.startswith("#")):
            raise Unfit("several statements stand in one line")
