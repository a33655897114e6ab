"""The fix of writes in vain: a `with` block that commits, by `begin()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import NO_FACTS, FixFacts
from poollint.rules.lifetime.releases import without_with

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.versions import Version
    from poollint.rules.mending import FixTarget

_FACTORIES = (".sessionmaker.__call__", ".async_sessionmaker.__call__")
_ENDS = frozenset({"begin", "commit", "rollback", "close", "execution_options", "get_transaction", "invalidate"})


def begin_facts(site: HandleSite, sqlalchemy: Version) -> FixFacts:
    """How the handle begins: by its factory's `begin()`, or the engine's in the place of `connect()`."""
    if not site.entered or site.through or not site.certain or site.escapes or site.commits or site.rollbacks:
        return NO_FACTS
    if site.kind == "connection":
        return FixFacts(kind="connect")
    if without_with(sqlalchemy):
        return NO_FACTS
    return FixFacts(kind="factory" if site.factory.endswith(_FACTORIES) else "session")


def begin_instead(target: FixTarget) -> Proposal | Refusal:
    """`begin()` in the place of `engine.connect()` and `SessionLocal()`, or a `session.begin()` beside the session."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, kind = target.tree, target.verdict.facts.kind
    call = tree.at(target.place(target.verdict.site), cst.Call)
    item = tree.parents.get(call) if call is not None else None
    if not kind or call is None or not isinstance(item, cst.WithItem):
        return Refusal("no with block of its own holds all that is written")
    block = tree.parents[item]
    if any(isinstance(each, cst.Yield) or _ends(each) for each in _below(block)):
        return Refusal("the block ends transactions itself, or hands out what it holds")
    name = item.asname.name if item.asname is not None else None
    if kind == "connect" and isinstance(call.func, cst.Attribute) and not call.args:
        edit = tree.replace(call.func.attr, "begin")
    elif kind == "factory" and not call.args:
        edit = tree.after(call.func, ".begin")
    elif kind != "connect" and isinstance(name, cst.Name):
        edit = tree.after(name, f", {name.value}.begin()")
    else:
        return Refusal("no variable of the with block holds it")
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, (edit,))


def _ends(node: cst.CSTNode) -> bool:
    """`x.commit()` and the like: a second transaction, or the end of the one."""
    import libcst as cst

    func = node.func if isinstance(node, cst.Call) else None
    return isinstance(func, cst.Attribute) and func.attr.value in _ENDS


def _below(node: cst.CSTNode) -> list[cst.CSTNode]:
    found = [node]
    for each in found:
        found.extend(each.children)
    return found
