"""Which loop, if any, repeats a place: retries and loops that leave after the first success do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, depends_on, is_falsy, names_bound, parts_of

if TYPE_CHECKING:
    from poollint.facts.model import Block, Expr, ModuleFacts, Scope

DEEPEST = 40
LOOPS = frozenset({"for", "while", "comprehension"})
_LONGEST_CHAIN = 3
_DEEPEST_PART = 5
_LEAVES = frozenset({"return", "raise", "break"})
_FIXED = frozenset({"items", "keys", "values"})


def ancestors(scope: Scope, block: int) -> list[int]:
    """The block and those around it, innermost first."""
    found = []
    while block >= 0:
        found.append(block)
        block = scope.blocks[block].parent
    return found


def is_inside(scope: Scope, block: int, outer: int) -> bool:
    """The block is the other one, or lies in it."""
    return outer in ancestors(scope, block)


def apart(scope: Scope, one: int, other: int) -> tuple[int, int]:
    """The outermost blocks around each of two that are not around the other one; -1 where one lies in the other.

    Blocks are numbered in the order of the source, outer ones first: the greater number is never around the smaller.
    """
    last_one = last_other = -1
    while one != other:
        if one > other:
            last_one, one = one, scope.blocks[one].parent
        else:
            last_other, other = other, scope.blocks[other].parent
    return last_one, last_other


def loop_around(scope: Scope, block: int) -> int:
    """The innermost `for` or `while` around a block, itself included; -1 for none."""
    return next((each for each in ancestors(scope, block) if scope.blocks[each].kind in ("for", "while")), -1)


def last_inside(scope: Scope, block: int) -> int:
    """The last of the blocks that lie in a block: blocks are numbered in the order of the source, outer ones first."""
    last = block
    while last + 1 < len(scope.blocks) and scope.blocks[last + 1].parent >= block:
        last += 1
    return last


def repeating_loop(facts: ModuleFacts, scope: Scope, block: int, call: int = -1, item: str = "") -> int | None:
    """The innermost loop block that runs the place more than once, or None.

    A loop whose iteration ends with break, return or raise after the place is no repetition (a retry loop), and
    neither is one that a test of what the place (`call`) gives ends, nor a loop over a literal collection: it is
    bounded by the source. `item` is the variable by which the place calls what is at stake: a loop over functions
    calls each of them once.
    """
    inside: list[int] = []
    for each in ancestors(scope, block):
        candidate = scope.blocks[each]
        if candidate.kind in LOOPS:
            if item and item in names_bound(candidate.target):
                item = _iterated(facts, candidate.test)
            elif (
                not _leaves(scope, inside, each)
                and not Outcome(facts, scope, call).ends(each)
                and not _is_fixed(facts, scope, candidate)
            ):
                return each
            inside = []
        inside.append(each)
    return None


def goes_over(scope: Scope, block: int, item: str) -> bool:
    """A loop around the block binds the variable anew in each turn."""
    around = (scope.blocks[each] for each in ancestors(scope, block))
    return bool(item) and any(each.kind in LOOPS and item in names_bound(each.target) for each in around)


def _iterated(facts: ModuleFacts, expr: Expr | None) -> str:
    """The variable that a loop goes over, or ""."""
    if isinstance(expr, model.CallRef):
        func = facts.calls[expr.index].func
        expr = func.value if isinstance(func, model.Attr) and func.attr in _FIXED else expr
    return expr.id if isinstance(expr, model.Name) else ""


def computed_from(facts: ModuleFacts, scope: Scope, block: int, names: set[str]) -> set[str]:
    """These variables, and those that are computed from them inside a block."""
    found = set(names)
    for _ in range(_LONGEST_CHAIN):
        for op in scope.ops:
            if op.value is not None and op.kind in ("bind", "for", "with") and block in ancestors(scope, op.block):
                if depends_on(facts, op.value, found):
                    found |= names_bound(op.target)
    return found


class Outcome:
    """What a loop finds out about what a call in it gives: a loop that tries until it works ends by such a test."""

    def __init__(self, facts: ModuleFacts, scope: Scope, call: int) -> None:
        self._facts = facts
        self._scope = scope
        self._call = call

    def ends(self, loop: int) -> bool:
        """The loop ends when the call has given something that works."""
        scope = self._scope
        names = computed_from(self._facts, scope, loop, self._names()) if self._call >= 0 else set()
        if self._ends_by_its_test(loop, names):
            return True
        inside = range(loop + 1, last_inside(scope, loop) + 1)
        return self._call >= 0 and any(self._leaves_in(number, loop, names) for number in inside)

    def _names(self) -> set[str]:
        """The variables that the result of the call is put into."""
        return {
            name
            for number, op in enumerate(self._scope.ops)
            if op.value is not None and (number == self._facts.calls[self._call].op or self._holds_call(op.value))
            for name in names_bound(op.target)
        }

    def _holds_call(self, expr: Expr, depth: int = 0) -> bool:
        if isinstance(expr, model.CallRef) and expr.index == self._call:
            return True
        return depth < _DEEPEST_PART and any(self._holds_call(each, depth + 1) for each in parts_of(self._facts, expr))

    def _works(self, test: Expr | None, holds: bool, names: set[str]) -> bool:
        """What the call gave works where the test holds (or, without `holds`, where it does not)."""
        if isinstance(test, model.Not):
            return self._works(test.value, not holds, names)
        if isinstance(test, model.Bool):
            return any(self._works(item, holds, names) for item in test.items)
        if isinstance(test, model.Compare) and is_falsy(test.right):
            return self._works(test.left, holds == (test.op in ("is not", "!=", ">")), names)
        if not holds or test is None:
            return False
        return depends_on(self._facts, test, names) or self._holds_call(test)

    def _leaves_in(self, number: int, loop: int, names: set[str]) -> bool:
        """`if ping(engine): break`: a branch that leaves the loop (or the function) because it works."""
        block = self._scope.blocks[number]
        if block.exit not in ("return", "break") or not self._is_branch_where_it_works(number, names):
            return False
        between = ancestors(self._scope, block.parent)
        between = between[: between.index(loop)]
        return block.exit == "return" or not any(self._scope.blocks[each].kind in LOOPS for each in between)

    def _is_branch_where_it_works(self, number: int, names: set[str]) -> bool:
        block = self._scope.blocks[number]
        return block.kind in ("if", "else") and self._works(block.test, block.kind == "if", names)

    def _ends_by_its_test(self, loop: int, names: set[str]) -> bool:
        """`while not ping(engine):`, or `while engine is None:`, `while not connected:` around what sets that."""
        block = self._scope.blocks[loop]
        test = block.test if block.kind == "while" else None
        if self._works(test, False, names):
            return True
        flag = isinstance(test, model.Not)
        if isinstance(test, model.Not):
            test = test.value
        elif isinstance(test, model.Compare) and test.op in ("is", "==") and isinstance(test.right, model.Const):
            test = test.left
        else:
            return False
        return isinstance(test, model.Name) and any(
            self._sets(op, loop, names) and (not flag or (isinstance(op.value, model.Const) and op.value.value is True))
            for op in assignments(self._scope, test.id)
        )

    def _sets(self, op: model.Op, loop: int, names: set[str]) -> bool:
        """The assignment lies in the loop, under no condition but that it works."""
        around = ancestors(self._scope, op.block)
        if op.kind != "bind" or loop not in around:
            return False
        return all(
            self._scope.blocks[each].kind != "if" or self._is_branch_where_it_works(each, names)
            for each in around[: around.index(loop)]
        )


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
        # What is empty in the source is filled elsewhere.
        return bool(expr.items if isinstance(expr, model.Items) else expr.values)
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
