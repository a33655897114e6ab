"""`dispose()` before a statement that drops the engine of an attribute: a fix of POL107."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import FixFacts

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.program.sites import EngineSite
    from poollint.rules.mending import FixTarget

DROPPED = "dropped"
_ASYNC = "async"


def dropping_facts(site: EngineSite) -> FixFacts:
    """What `dispose_before` needs."""
    return FixFacts(DROPPED, ((_ASYNC, "yes" if site.is_async else ""),))


def dispose_before(target: FixTarget) -> Proposal | Refusal:
    """`if self.engine is not None: self.engine.dispose()` above the statement that sets or deletes `self.engine`."""
    import libcst as cst

    from poollint.editing.hands_off import holds_formatting
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    small = target.node(cst.Assign, cst.AnnAssign, cst.Del)
    line = tree.statement(small) if small is not None else None
    attribute = _attribute(tree, small) if small is not None else ""
    function = tree.function(line) if line is not None else None
    if line is None or function is None or not attribute.startswith("self.") or not tree.indentation(line):
        return Refusal("it is not an attribute of self that one statement drops")
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return Refusal("several statements stand in one line")
    asynchronous = bool(target.verdict.facts.name(_ASYNC))
    if asynchronous and function.asynchronous is None:
        return Refusal("await is only possible in an async def")
    if not _is_always_set(tree, function, attribute):
        return Refusal(f"{attribute} may not be set yet")
    if holds_formatting(tree.source, tree.location(line).line, tree.location(line).end_line):
        return Refusal("a part of it is not to be formatted")
    indent = tree.indentation(line)
    text = f"{'await ' if asynchronous else ''}{attribute}.dispose(){tree.newline}{indent}"
    if not _is_tested(tree, line, attribute):
        text = f"if {attribute} is not None:{tree.newline}{indent}{tree.indent}{text}"
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, (tree.before(line, text),))


def _attribute(tree: FileTree, small: cst.CSTNode) -> str:
    """The attribute that the statement sets or deletes, as written; "" for more than one."""
    import libcst as cst

    target: cst.CSTNode | None = None
    if isinstance(small, cst.Assign) and len(small.targets) == 1:
        target = small.targets[0].target
    elif isinstance(small, (cst.AnnAssign, cst.Del)):
        target = small.target
    return tree.text(target) if isinstance(target, cst.Attribute) else ""


def _is_always_set(tree: FileTree, function: cst.FunctionDef, attribute: str) -> bool:
    """`__init__` of the class sets the attribute in its own block, or the body of the class does."""
    import libcst as cst

    owner = tree.innermost(function, cst.ClassDef)
    if owner is None or function.name.value == "__init__":
        return False
    starts = [each for each in owner.body.body if isinstance(each, cst.FunctionDef) and each.name.value == "__init__"]
    lines = [line for start in starts for line in start.body.body] if starts else []
    wanted = {attribute, attribute.partition(".")[2]}
    found = [_attribute_or_name(tree, small) for line in (*lines, *owner.body.body) for small in _smalls(line)]
    return bool(wanted & set(found))


def _smalls(line: cst.CSTNode) -> list[cst.CSTNode]:
    import libcst as cst

    return list(line.body) if isinstance(line, cst.SimpleStatementLine) else []


def _attribute_or_name(tree: FileTree, small: cst.CSTNode) -> str:
    import libcst as cst

    if isinstance(small, cst.AnnAssign) and small.value is None:
        return ""
    if isinstance(small, cst.Assign) and len(small.targets) == 1 and isinstance(small.targets[0].target, cst.Name):
        return small.targets[0].target.value
    if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
        return small.target.value
    return _attribute(tree, small) if isinstance(small, (cst.Assign, cst.AnnAssign)) else ""


def _is_tested(tree: FileTree, line: cst.CSTNode, attribute: str) -> bool:
    """The statement is the first one below `if self.engine:`."""
    import libcst as cst

    block = tree.parents.get(line)
    outer = tree.parents.get(block) if block is not None else None
    if not isinstance(outer, cst.If) or outer.body is not block or outer.body.body[0] is not line:
        return False
    return tree.text(outer.test) in (attribute, f"{attribute} is not None")
