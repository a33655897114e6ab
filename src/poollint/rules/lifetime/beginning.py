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


def begin_facts(site: HandleSite, sqlalchemy: Version) -> FixFacts:
    """How the handle begins: by its factory's `begin()`, or the engine's in the place of `connect()`."""
    if not site.entered or site.through or not site.certain or site.escapes or site.commits or site.rollbacks:
        return NO_FACTS
    kind = begins_by(site, sqlalchemy)
    return FixFacts(kind=kind) if kind else NO_FACTS


def begins_by(site: HandleSite, sqlalchemy: Version) -> str:
    """What `begin()` is called on, as the name of it: "connect", "factory", "session"; "" where it does not help."""
    if site.kind == "connection":
        return "connect"
    if without_with(sqlalchemy):
        return ""
    return "factory" if site.factory.endswith(_FACTORIES) else "session"


def begin_instead(target: FixTarget) -> Proposal | Refusal:
    """`begin()` in the place of `engine.connect()` and `SessionLocal()`, or a `session.begin()` beside the session."""
    import libcst as cst

    from poollint.editing.block_headers import ends_transactions
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, kind = target.tree, target.verdict.facts.kind
    call = tree.at(target.place(target.verdict.site), cst.Call)
    item = tree.parents.get(call) if call is not None else None
    if not kind or call is None or not isinstance(item, cst.WithItem):
        return Refusal("no with block of its own holds all that is written")
    block = tree.parents[item]
    if any(isinstance(each, cst.Yield) or ends_transactions(each) for each in _below(block)):
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


def _below(node: cst.CSTNode) -> list[cst.CSTNode]:
    found = [node]
    for each in found:
        found.extend(each.children)
    return found
