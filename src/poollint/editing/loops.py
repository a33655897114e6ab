"""What each pass of a loop makes, made once above the loop and ended behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from poollint.editing import indenting
from poollint.editing.finishing import formatted_otherwise, yields
from poollint.editing.moving import Bound, bound_by, moved_text, names_in, without
from poollint.editing.proposal import Refusal
from poollint.editing.variables import Variables

if TYPE_CHECKING:
    from poollint.editing.tree import FileTree
    from poollint.findings import Edit

_LOOPS = (cst.For, cst.While)


def above_loop(tree: FileTree, call: cst.Call, method: str, asynchronous: bool) -> tuple[Edit, ...] | Refusal:
    """The edits that move `name = call` above its loop, which is tried, and call the method of it behind the loop."""
    bound = bound_by(tree, call)
    block = tree.parents.get(bound.statement) if bound is not None else None
    loop = tree.parents.get(block) if block is not None else None
    function = tree.function(call)
    if bound is None or function is None or not isinstance(loop, _LOOPS) or loop.body is not block:
        return Refusal("it is no statement of a loop in a function")
    reason = _reason_against(tree, function, loop, bound, method)
    if reason or (asynchronous and function.asynchronous is None):
        return Refusal(reason or "await is only possible in an async def")
    text, removal = moved_text(tree, bound.statement), without(tree, bound.statement)
    if isinstance(text, Refusal):
        return text
    if isinstance(removal, Refusal):
        return removal
    first = tree.location(loop).line - _comments_above(loop)
    last = indenting.last_line(tree, loop)
    if formatted_otherwise(tree, first, last):
        return Refusal("a part of it is not to be formatted")
    own, step, newline = tree.indentation(loop), indenting.step_of(tree, loop), tree.newline
    gone = range(removal.location.line, removal.location.end_line)
    lines = [line for number in range(first, last + 1) if number not in gone for line in _shifted(tree, number, step)]
    made = "".join(own + line for line in text.splitlines(keepends=True))
    ending = f"{own}{step}{'await ' if asynchronous else ''}{bound.name}.{method}()"
    new = newline.join((made, f"{own}try:", "".join(lines).rstrip("\r\n"), f"{own}finally:", ending))
    return (tree.between((first, 1), (last, len(tree.source.line_text(last)) + 1), new),)


def _reason_against(tree: FileTree, function: cst.FunctionDef, loop: cst.CSTNode, bound: Bound, method: str) -> str:
    variables = Variables(tree, function)
    variable = variables[bound.name]
    if variable.is_foreign or variable.is_parameter or variable.captured or len(variable.bindings) != 1:
        return f"{bound.name} is set in several places, or used in code that runs later"
    if any(loop not in tree.around(read) for read in variable.reads):
        return f"{bound.name} is used behind the loop"
    methods = [tree.parents[read] for read in variable.reads]
    if any(isinstance(each, cst.Attribute) and each.attr.value == method for each in methods):
        return f"{bound.name}.{method}() is called"
    for name in sorted(names_in(bound.value)):
        if any(loop in tree.around(binding) for binding in variables[name].bindings):
            return f"{name} is set in the loop"
    may_stop = function.asynchronous is not None and yields(function.body)
    return "an asynchronous generator may never be closed" if may_stop else ""


def _comments_above(loop: cst.For | cst.While) -> int:
    """How many lines of comments stand right above the loop."""
    count = 0
    for line in reversed(loop.leading_lines):
        if line.comment is None:
            break
        count += 1
    return count


def _shifted(tree: FileTree, number: int, step: str) -> list[str]:
    return indenting.shifted(tree, number, number, step)
