"""The judgement that POL211 and POL611 share: a result that is returned unread, and read after its handle is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.lifetimes.sites import Readers
from poollint.rules.base import FixFacts
from poollint.rules.lifetime.exemptions import in_migration, in_tests
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.reporting import handle_verdict

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.rules.base import Metadata, Verdict
    from poollint.rules.mending import FixTarget


def unread_results(metadata: Metadata, sites: ProgramSites, kind: str) -> list[Verdict]:
    """One verdict for each result of a handle of this kind ("session", "connection") that leaves unread."""
    return [
        handle_verdict(
            metadata,
            site,
            f"what is returned here {_read(site)} after {site.name or f'its {kind}'} is closed",
            "read the rows before it closes",
            Severity.WARNING,
            span=span,
            fix_title="Read all rows before they are returned",
            fix_applicability="unsafe",
            facts=FixFacts(
                kind="fetchall" if kind == "connection" and without_with(sites.versions.sqlalchemy) else "all"
            ),
        )
        for site in sites.handles
        if site.kind == kind and not in_tests(site) and not in_migration(site) and not dropped_by_callers(site)
        for span in site.unread_results
    ]


def dropped_by_callers(site: HandleSite) -> bool:
    """Callers are known, and none of them does anything with the result."""
    return site.readers is Readers.NONE


def _read(site: HandleSite) -> str:
    return "is read" if site.readers is Readers.KNOWN else "can be read"


def read_all(target: FixTarget) -> Proposal | Refusal:
    """Appends `.all()` to what is returned."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, place = target.tree, target.location
    returns = [each for each in tree.parents if isinstance(each, cst.Return)]
    found = [each for each in returns if tree.location(each).line <= place.line <= tree.location(each).end_line]
    value = found[0].value if len(found) == 1 else None
    if not isinstance(value, (cst.Call, cst.Name)) or value.lpar:
        return Refusal("it is not returned by itself")
    function = tree.function(found[0])
    returned = tree.text(function.returns.annotation) if function is not None and function.returns is not None else ""
    if any(word in returned for word in _UNREAD):
        return Refusal(f"the function is declared to return {returned}")
    edit = tree.after(value, f".{target.verdict.facts.kind}()")
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, (edit,))


_UNREAD = ("Query", "Result", "Iterator", "Generator", "Select")
"""Words of types that are read later."""
