"""The editor for `if session is None: session = Session()`: who makes the session closes it, a caller's stays open."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from poollint.editing import indenting
from poollint.editing.belonging import Belonging, Needs
from poollint.editing.block_headers import Unfit, reason_against_leaving
from poollint.editing.finishing import yields
from poollint.editing.hands_off import holds_formatting
from poollint.editing.proposal import Proposal, Refusal
from poollint.editing.variables import Variables, names_in
from poollint.findings import Applicability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.editing.block_headers import Wrap
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

TITLE = "Close it in a finally block where it is made here"


def closed_by_its_maker(tree: FileTree, wrap: Wrap) -> Proposal | Refusal | None:
    """`owns_session = session is None` before the session is made, and `if owns_session: session.close()` in `finally`.

    Safe where nothing that the function gives away still needs the session. None where it is made in another way.
    """
    call = tree.at(wrap.call, cst.Call)
    made = _made(tree, call) if call is not None else None
    if call is None or made is None:
        return None
    try:
        return _Owning(tree, wrap, call, made).proposal()
    except Unfit as unfit:
        return Refusal(str(unfit))


class _Made(NamedTuple):
    """The variable, the test that tells whether it is made here, and the statement that makes it."""

    name: str
    test: str
    statement: cst.CSTNode
    otherwise: cst.BaseExpression | None = None
    """What stands behind `session or`."""


class _Owning:
    """One parameter that is made where the caller gives none. Raises Unfit where it cannot be closed."""

    def __init__(self, tree: FileTree, wrap: Wrap, call: cst.Call, made: _Made) -> None:
        self._tree = tree
        self._wrap = wrap
        function = tree.function(call)
        if function is None:
            raise Unfit("it is not made in a function")
        self._function = function
        self._made = made
        self.name, self._test, self._making = made.name, made.test, made.statement
        self._variables = Variables(tree, function)
        self._flag = f"owns_{self.name}"
        self._rest = self._following()
        self._check()

    def _following(self) -> Sequence[cst.CSTNode]:
        """The statements behind the one that makes it."""
        body = self._function.body
        if not isinstance(body, cst.IndentedBlock) or self._making not in body.body:
            raise Unfit("it is not made by a statement of the function itself")
        statements: list[cst.CSTNode] = list(body.body)
        rest = statements[statements.index(self._making) + 1 :]
        reads = [any(each.value == self.name for each in names_in(statement)) for statement in rest]
        if not any(reads):
            raise Unfit(f"{self.name} is not used")
        return rest

    def _check(self) -> None:
        variable = self._variables[self.name]
        if not variable.is_parameter or len(variable.bindings) != 1 or variable.is_foreign:
            raise Unfit(f"{self.name} is bound more than once")
        if variable.captured:
            raise Unfit(f"{self.name} is used in code that runs later")
        if yields(self._function.body):
            raise Unfit("the function is a generator")
        if self._wrap.asynchronous and self._function.asynchronous is None:
            raise Unfit("await is only possible in an async def")
        if any(name.value == self._flag for name in names_in(self._function)):
            raise Unfit(f"{self._flag} is the name of something else")
        tree = self._tree
        if any(_ends(tree, read) for read in variable.reads):
            raise Unfit(f"{self.name} is closed here, also where the caller gives it")
        first, last = tree.location(self._making).line, indenting.last_line(tree, self._rest[-1])
        if holds_formatting(tree.source, first, last) or not all(tree.indentation(each) for each in self._rest):
            raise Unfit("the lines cannot be moved")

    def proposal(self) -> Proposal | Refusal:
        """The edits."""
        reason = reason_against_leaving(self.name, self._leaving)
        if reason:
            return Refusal(reason)
        tree, indent = self._tree, self._tree.indentation(self._making)
        flag = f"{self._flag} = {self._test}{tree.newline}{indent}"
        if self._made.otherwise is None:
            edit = tree.before(self._making, flag)
        else:
            step = indenting.step_of(tree, self._making)
            made = f"{self.name} = {tree.text(self._made.otherwise)}"
            text = f"{flag}if {self._flag}:{tree.newline}{indent}{step}{made}"
            edit = tree.replace(self._making, text)
        applicability = Applicability.UNSAFE if self._leaving else Applicability.SAFE
        return Proposal(TITLE, applicability, (edit, *self._finally()))

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
    def _leaving(self) -> Needs:
        """The most that anything needs that leaves the function."""
        returned = [
            self._belonging.of(node.value)
            for node in _own_nodes(self._function.body)
            if isinstance(node, cst.Return) and node.value is not None
        ]
        return max(*returned, *(needs for _, needs in self._belonging.escapes), Needs.NOTHING, Needs.NOTHING)

    @cached_property
    def _tried(self) -> Sequence[cst.CSTNode]:
        """The statements up to the last that uses it, or what still needs it."""
        needing = {name for name, needs in self._belonging.needs.items() if needs is not Needs.NOTHING}
        using = [any(each.value in needing for each in names_in(statement)) for statement in self._rest]
        return self._rest[: len(using) - using[::-1].index(True)]

    def _finally(self) -> tuple[Edit, ...]:
        """The edits that close it: in the `finally` that is there, or behind all statements that use it."""
        tree = self._tree
        only = self._tried[0]
        indent, step = tree.indentation(only), indenting.step_of(tree, only)
        closing = self._closing(f"{indent}{step}", step)
        if isinstance(only, cst.Try) and len(self._tried) == 1:
            if only.finalbody is None:
                last = indenting.last_line(tree, only)
                text = tree.newline.join(("", f"{indent}finally:", *closing))
                return (tree.insert(last, len(tree.source.line_text(last)) + 1, text),)
            block = only.finalbody.body
            if isinstance(block, cst.IndentedBlock) and not any(each.value == self.name for each in names_in(block)):
                header = tree.header_end(only.finalbody)
                text = "".join(f"{tree.newline}{line}" for line in closing)
                return (tree.insert(header, len(tree.source.line_text(header)) + 1, text),)
        end = indenting.last_line(tree, self._tried[-1])
        start = indenting.last_line(tree, self._making) + 1
        while start < end and not tree.source.line_text(start).strip():
            start += 1
        body = "".join(indenting.shifted(tree, start, end, step)).rstrip("\r\n")
        text = tree.newline.join((f"{indent}try:", body, f"{indent}finally:", *closing))
        return (tree.between((start, 1), (end, len(tree.source.line_text(end)) + 1), text),)

    def _closing(self, indent: str, step: str) -> tuple[str, str]:
        word = "await " if self._wrap.asynchronous else ""
        return (f"{indent}if {self._flag}:", f"{indent}{step}{word}{self.name}.close()")


def _made(tree: FileTree, call: cst.Call) -> _Made | None:
    """How the call makes what the caller did not give; None where the code has another form."""
    line = tree.statement(call)
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
    target = small.targets[0].target if isinstance(small, cst.Assign) and len(small.targets) == 1 else None
    if line is None or not isinstance(small, cst.Assign) or not isinstance(target, cst.Name):
        return None
    name, value = target.value, small.value
    if isinstance(value, cst.BooleanOperation) and isinstance(value.operator, cst.Or):
        is_same = isinstance(value.left, cst.Name) and value.left.value == name and not value.lpar
        return _Made(name, f"not {name}", line, value.right) if is_same and _awaited(value.right) is call else None
    value = _awaited(value)
    block = tree.parents.get(line)
    outer = tree.parents.get(block) if block is not None else None
    if value is not call or not isinstance(outer, cst.If) or outer.orelse is not None or outer.body is not block:
        return None
    test = tree.text(outer.test)
    is_alone = len(outer.body.body) == 1 and test in (f"{name} is None", f"not {name}")
    return _Made(name, test, outer) if is_alone else None


def _awaited(value: cst.BaseExpression) -> cst.BaseExpression:
    """What is awaited, or the expression itself."""
    return value.expression if isinstance(value, cst.Await) else value


def _ends(tree: FileTree, read: cst.Name) -> bool:
    """`session.close()`, or `with session`."""
    outer = tree.parents[read]
    is_close = isinstance(outer, cst.Attribute) and outer.attr.value in ("close", "aclose", "remove")
    return is_close or isinstance(outer, cst.WithItem)


def _own_nodes(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The node and what lies in it, without inner functions."""
    found: list[cst.CSTNode] = []
    pending = [node]
    while pending:
        current = pending.pop()
        found.append(current)
        if not isinstance(current, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
            pending.extend(current.children)
    return found
