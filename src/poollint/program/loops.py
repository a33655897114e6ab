"""Which loop, if any, repeats a place: retries and loops that leave after the first success do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model

if TYPE_CHECKING:
    from poollint.facts.model import Block, Expr, ModuleFacts, Scope

DEEPEST = 40
_LEAVES = frozenset({"return", "raise", "break"})
_FIXED = frozenset({"items", "keys", "values"})


def ancestors(scope: Scope, block: int) -> list[int]:
    """The block and those around it, innermost first."""
    found = []
    while block >= 0:
        found.append(block)
        block = scope.blocks[block].parent
    return found


def last_inside(scope: Scope, block: int) -> int:
    """The last of the blocks that lie in a block: blocks are numbered in the order of the source, outer ones first."""
    last = block
    while last + 1 < len(scope.blocks) and scope.blocks[last + 1].parent >= block:
        last += 1
    return last


def repeating_loop(facts: ModuleFacts, scope: Scope, block: int) -> int | None:
    """The innermost loop block that runs the place more than once, or None.

    A loop whose iteration ends with break, return or raise after the place is no repetition (a retry loop), and
    neither is a loop over a literal collection: it is bounded by the source.
    """
    inside: list[int] = []
    for each in ancestors(scope, block):
        candidate = scope.blocks[each]
        if candidate.kind in ("for", "while", "comprehension"):
            if (
                not _ends_when_made(scope, each)
                and not _leaves(scope, inside, each)
                and not _is_fixed(facts, scope, candidate)
            ):
                return each
            inside = []
        inside.append(each)
    return None


def _ends_when_made(scope: Scope, index: int) -> bool:
    """`while engine is None:`, `while not connected:` around what sets the variable: it ends with the first success."""
    loop = scope.blocks[index]
    test = loop.test if loop.kind == "while" else None
    if isinstance(test, model.Not):
        test = test.value
    elif isinstance(test, model.Compare) and test.op in ("is", "==") and isinstance(test.right, model.Const):
        test = test.left
    else:
        return False
    if not isinstance(test, model.Name):
        return False
    flag = isinstance(loop.test, model.Not)
    for op in scope.ops:
        if op.kind != "bind" or not isinstance(op.target, model.Name) or op.target.id != test.id:
            continue
        around = ancestors(scope, op.block)
        if index not in around or any(scope.blocks[each].kind == "if" for each in around[: around.index(index)]):
            continue
        if not flag or (isinstance(op.value, model.Const) and op.value.value is True):
            return True
    return False


def _leaves(scope: Scope, inside: list[int], loop: int) -> bool:
    """One iteration that goes well leaves the loop: the place is not repeated by it."""
    if _ends(scope, loop):
        return True
    return any(_ends(scope, each) for each in inside if scope.blocks[each].kind != "except")


def _ends(scope: Scope, index: int, depth: int = 0) -> bool:
    """The normal path through the block ends in return, raise or break, also inside a last try, with or if/else."""
    block = scope.blocks[index]
    if block.exit in _LEAVES:
        return True
    if depth > DEEPEST:
        return False
    if block.kind == "try" and any(
        other.group == block.group and other.kind == "try-else" and _ends(scope, number, depth + 1)
        for number, other in enumerate(scope.blocks)
    ):
        return True
    children = [number for number, other in enumerate(scope.blocks) if other.parent == index]
    last = max((scope.blocks[number].end_line for number in children), default=0)
    if last != block.end_line:
        return False
    group = next(scope.blocks[number].group for number in children if scope.blocks[number].end_line == last)
    kinds = {scope.blocks[number].kind: number for number in children if scope.blocks[number].group == group}
    if "try" in kinds:
        return any(_ends(scope, kinds[kind], depth + 1) for kind in ("try", "try-else") if kind in kinds)
    if "with" in kinds:
        return _ends(scope, kinds["with"], depth + 1)
    if "if" in kinds and "else" in kinds:
        return _ends(scope, kinds["if"], depth + 1) and _ends(scope, kinds["else"], depth + 1)
    return False


def _is_fixed(facts: ModuleFacts, scope: Scope, loop: Block) -> bool:
    """The loop runs over a collection that is spelled out in the source."""
    if loop.kind == "while" or loop.test is None:
        return False
    return _is_literal(facts, scope, loop.test, 0)


def _is_literal(facts: ModuleFacts, scope: Scope, expr: Expr, depth: int) -> bool:
    if isinstance(expr, (model.Items, model.Mapping)):
        return True
    if depth > 3:
        return False
    if isinstance(expr, model.CallRef):
        call = facts.calls[expr.index]
        if isinstance(call.func, model.Attr) and call.func.attr in _FIXED:
            return _is_literal(facts, scope, call.func.value, depth + 1)
        if isinstance(call.func, model.Name) and call.func.id in (
            "enumerate",
            "sorted",
            "reversed",
            "zip",
            "list",
            "tuple",
        ):
            return bool(call.args) and _is_literal(facts, scope, call.args[0], depth + 1)
    if isinstance(expr, model.Name):
        for holder in (scope, facts.scopes[0]):
            bound = [op for op in holder.ops if isinstance(op.target, model.Name) and op.target.id == expr.id]
            if bound:
                return (
                    len(bound) == 1
                    and bound[0].value is not None
                    and _is_literal(facts, holder, bound[0].value, depth + 1)
                )
    return False
