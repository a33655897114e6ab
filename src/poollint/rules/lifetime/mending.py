"""The fix that the rules about the end of sessions and connections share: a `with` block around all uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.lifetimes.observations import Escape
from poollint.rules.base import NO_FACTS, FixFacts
from poollint.rules.lifetime.beginning import begins_by
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.writing import writes_in_vain

if TYPE_CHECKING:
    from poollint.editing.block_headers import Wrap
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.versions import Version
    from poollint.rules.mending import FixTarget

_WRAP, _CLOSE = "wrap", "close"
_PLAIN, _OWN = "plain", "own"
_CONNECTION, _ASYNC, _CLOSING, _AWAITS, _GUESSED = "connection", "async", "closing", "awaits", "guessed"
_YIELDS, _CLOSED, _BEGINS, _NAMED = "yields", "closed", "begins", "named"
_LOST = "what it writes is never committed"
_THROWN_INTO = frozenset({"context manager", "dependency"})


def wrap_facts(site: HandleSite, sqlalchemy: Version) -> FixFacts:
    """What `wrap_in_with` needs to know; none for a handle that a `with` block cannot end."""
    if site.exit_method:
        return FixFacts(kind=_CLOSE, names=((_CLOSED, site.name),))
    if site.kept_by_object or site.context or site.entered:
        return NO_FACTS
    if site.proxy and site.closes and not site.escapes - {Escape.YIELDED}:
        guessed = Escape.YIELDED in site.escapes and site.generator not in _THROWN_INTO
        return FixFacts(kind=_CLOSE, names=((_CLOSED, site.name), *(((_GUESSED, "yes"),) if guessed else ())))
    session = site.kind == "session"
    flags = {
        _CONNECTION: not session,
        _ASYNC: site.is_async,
        _CLOSING: session and without_with(sqlalchemy),
        _AWAITS: site.is_async and not session and not site.through,
        _YIELDS: Escape.YIELDED in site.escapes,
        _NAMED: bool(site.name),
        _GUESSED: not site.certain or (Escape.YIELDED in site.escapes and site.generator not in _THROWN_INTO),
    }
    names = (*((flag, "yes") for flag, holds in flags.items() if holds), (_CLOSED, site.name if site.closes else ""))
    if writes_in_vain(site):
        names = (*names, (_BEGINS, begins_by(site, sqlalchemy) or _LOST))
    places = (*((_PLAIN, span) for span in site.plain), *((_OWN, span) for span in site.own_calls))
    return FixFacts(kind=reason_against(site) or _WRAP, names=names, places=places)


def reason_against(site: HandleSite) -> str:
    """Why the uses of a handle cannot be wrapped, where that is known without looking at the syntax."""
    if site.proxy:
        return "a registry keeps the session"
    if site.escapes - {Escape.YIELDED}:
        return "it is handed on to other code"
    if site.used_after_close:
        return "it is used again after it was closed"
    if site.is_async and site.kind != "session" and site.through:
        return "the connection has been started by the function that makes it"
    return ""


def wrap_in_with(target: FixTarget) -> Proposal | Refusal:
    """Puts the call of the verdict and all uses of its result into a `with` block."""
    from msgspec.structs import replace

    from poollint.editing.finalizing import closed_in_finally
    from poollint.editing.proposal import Refusal
    from poollint.findings import Applicability

    facts = target.verdict.facts
    answer: Proposal | Refusal = Refusal("nothing closes it")
    if facts.name(_BEGINS) == _LOST:
        return Refusal(_LOST)
    if facts.kind == _WRAP:
        answer = _in_block(target.tree, _wrap(target), is_named=bool(facts.name(_NAMED)))
    elif facts.kind != _CLOSE:
        return Refusal(facts.kind or "no single block of statements uses it")
    if facts.name(_CLOSED) and (facts.kind == _CLOSE or isinstance(answer, Refusal)):
        place, title = target.place(target.verdict.site), "Close it in a finally block"
        other = closed_in_finally(target.tree, place, facts.name(_CLOSED), title)
        answer = other if facts.kind == _CLOSE or not isinstance(other, Refusal) else answer
    if facts.name(_GUESSED) and not isinstance(answer, Refusal):
        return replace(answer, applicability=Applicability.UNSAFE)
    return answer


def _in_block(tree: FileTree, wrap: Wrap, is_named: bool) -> Proposal | Refusal:
    """A block around all uses, around the one statement that uses it, or one that tells who made it."""
    from poollint.editing.block_headers import Begins
    from poollint.editing.owning import closed_by_its_maker
    from poollint.editing.proposal import Refusal
    from poollint.editing.unchaining import unchained
    from poollint.editing.wrapping import wrapped

    answer = wrapped(tree, wrap) if is_named else unchained(tree, wrap)
    if isinstance(answer, Refusal) and wrap.begins is Begins.NOT:
        owned = closed_by_its_maker(tree, wrap)
        return answer if owned is None else owned
    return answer


def _wrap(target: FixTarget) -> Wrap:
    from poollint.editing.block_headers import Begins, Wrap

    facts = target.verdict.facts
    plain, own = (
        frozenset(target.place(span) for known, span in facts.places if known == role) for role in (_PLAIN, _OWN)
    )
    return Wrap(
        target.place(target.verdict.site),
        target.verdict.fix_title,
        connection=bool(facts.name(_CONNECTION)),
        asynchronous=bool(facts.name(_ASYNC)),
        closing=bool(facts.name(_CLOSING)),
        awaits=bool(facts.name(_AWAITS)),
        yields=bool(facts.name(_YIELDS)),
        begins=Begins(facts.name(_BEGINS)),
        plain=plain,
        own_calls=own,
    )
