"""`engine.dispose()` in a `finally`: the fix that POL107 and POL108 share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import FixFacts

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, Span
    from poollint.rules.mending import FixTarget

_LOCAL = "local"
_ASYNC = "async"


def reason_against_disposing(site: EngineSite) -> str:
    """Why no `finally` can end the engine; "" when nothing speaks against it."""
    reason = ""
    if site.inline_into:
        reason = "the engine has no name"
    elif site.escapes or site.leaves_function:
        reason = "other code can use the engine later"
    elif site.hidden or site.pool_only:
        reason = "the engine is inside of another object"
    elif any(leak.how == "lost" for leak in site.leaks):
        reason = "the variable is used for another engine"
    return reason


def disposing_facts(site: EngineSite) -> FixFacts:
    """What `dispose_in_finally` needs: whether the engine is local, and whether to await."""
    names = (("against", reason_against_disposing(site)), (_ASYNC, "yes" if site.is_async else ""))
    return FixFacts(_LOCAL, names, (("made", site.span),))


def dispose_in_finally(target: FixTarget) -> Proposal | Refusal:
    """Tries what follows the call in its block, and disposes of the engine behind it."""
    from poollint.editing.proposal import Refusal

    facts = target.verdict.facts
    made = facts.place("made")
    if facts.kind != _LOCAL or made is None:
        return Refusal("who ends the life of the engine is for a person to decide")
    if facts.name("against"):
        return Refusal(facts.name("against"))
    return disposed(target, made, bool(facts.name(_ASYNC)), target.verdict.fix_title)


def disposed(target: FixTarget, made: Span, asynchronous: bool, title: str) -> Proposal | Refusal:
    """The edits for the engine that the call at `made` makes."""
    import libcst as cst

    from poollint.editing.finishing import Finishing
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    call = target.tree.at(target.place(made), cst.Call)
    if call is None:
        return Refusal("the call is not written out")
    edits = Finishing(target.tree, call, "dispose").edits(asynchronous)
    return edits if isinstance(edits, Refusal) else Proposal(title, Applicability.SAFE, edits)
