"""One engine in place of many: what speaks against it, and the edits that make it once at module level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.sites import Escape
from poollint.rules.base import FixFacts
from poollint.rules.engine.caching import cache_factory, reason_against_caching, reason_against_one

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, ProgramSites, Span
    from poollint.rules.mending import FixTarget

TITLE = "Create the engine once, at module level"
_OWNED = {
    Escape.STORED_ON_SELF: "an object keeps the engine",
    Escape.STORED_ON_CLASS: "a class keeps the engine",
    Escape.STORED_GLOBALLY: "a module variable keeps the engine",
    Escape.STORED_IN_CONTAINER: "a container keeps the engine",
    Escape.STORED_ELSEWHERE: "an object keeps the engine",
}
_ENGINE_NAMES = ("engine", "db_engine", "shared_engine")
_FACTORY_NAMES = ("SessionLocal", "SessionFactory")


def reason_against_sharing(site: EngineSite) -> str:
    """Why no engine at module level can take the place of this one; "" when nothing speaks against it."""
    if site.url_depends_on_parameters:
        return "the URL comes from the caller"
    if site.dead_guard:
        return f"{site.dead_guard} was meant to keep the engine"
    if site.alternatives:
        return "other branches make other engines"
    reason = reason_against_one(site)
    if reason:
        return reason
    owner = next((reason for escape, reason in _OWNED.items() if escape in site.escapes), "")
    return owner or site.bound_to_its_function


def sharing_facts(sites: ProgramSites, site: EngineSite, kind: str = "") -> FixFacts:
    """What `share` needs: the reason against it, and the session factories and registries of the same function."""
    reason = reason_against_sharing(site)
    places = () if reason else tuple(_built_beside(sites, site))
    names = (("against", reason), ("against caching", reason_against_caching(site)))
    return FixFacts(kind, names, places)


def _built_beside(sites: ProgramSites, site: EngineSite) -> list[tuple[str, Span]]:
    here = (site.span.path, site.symbol)
    factories = [
        ("factory", each.span)
        for each in sites.kept.factories
        if (each.span.path, each.symbol) == here and not each.is_class and each.bound_to == "own"
    ]
    registries = [("registry", each.span) for each in sites.kept.registries if (each.span.path, each.symbol) == here]
    return [*factories, *registries]


def share_or_cache(target: FixTarget) -> Proposal | Refusal:
    """Makes the engine at module level; where that cannot be, lets a plain factory keep what it makes."""
    from poollint.editing.proposal import Refusal

    shared = share(target)
    cached = cache_factory(target) if isinstance(shared, Refusal) else shared
    return shared if isinstance(cached, Refusal) else cached


def cache_or_share(target: FixTarget) -> Proposal | Refusal:
    """Lets a plain factory keep what it makes; any other function gets the engine from module level."""
    from poollint.editing.proposal import Refusal

    cached = cache_factory(target)
    shared = share(target) if isinstance(cached, Refusal) else cached
    return cached if isinstance(shared, Refusal) else shared


def share(target: FixTarget) -> Proposal | Refusal:
    """Makes the engine at module level, and with it the session factories that the function builds on it."""
    import libcst as cst

    from poollint.editing.hoisting import Hoisting
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    facts = target.verdict.facts
    if facts.name("against"):
        return Refusal(facts.name("against"))
    if facts.place("registry") is not None:
        return Refusal("a scoped_session is made on it, which needs somebody to remove its sessions")
    call = target.node(cst.Call)
    if call is None:
        return Refusal("the call is not written out")
    beside = [target.tree.at(target.place(span), cst.Call) for role, span in facts.places if role == "factory"]
    factories = [(each, _FACTORY_NAMES) for each in beside if each is not None]
    edits = Hoisting(target.tree).edits(call, _ENGINE_NAMES, factories)
    if isinstance(edits, Refusal):
        return edits
    return Proposal(TITLE, Applicability.UNSAFE, edits, group=f"{target.verdict.span.path}: module level")
