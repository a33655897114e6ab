"""The judgement that POL208 and POL610 share: one session or connection that serves everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Step
from poollint.rules.lifetime.exemptions import in_migration, in_tests
from poollint.rules.lifetime.reporting import call_name, handle_verdict
from poollint.rules.pool.exemptions import is_concurrent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.lifetimes.registry_sites import RegistryUse
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.rules.base import Metadata, Verdict

SHARED_AS = {
    "module": "at module level",
    "class": "in the class body",
    "default argument": "as a default argument",
}


def runs_side_by_side(handle: HandleSite, use: RegistryUse) -> bool:
    """Two runs of the function overlap on the handle; coroutines do so only where they let go of the event loop."""
    return is_concurrent(use) and (not use.coroutine or handle.is_async or use.waits)


def sharing_severity(site: HandleSite, proof: RegistryUse | None) -> Severity:
    """Error where functions are proven to use it side by side; info in a module that also runs as a program."""
    if proof is not None:
        return Severity.ERROR
    return Severity.INFO if site.script else Severity.WARNING


def shared_handles(metadata: Metadata, sites: ProgramSites, kind: str) -> list[Verdict]:
    """One verdict for each handle of this kind ("session", "connection") that everybody shares."""
    uses = {shared.span: shared.uses for shared in sites.kept.shared}
    return [
        _verdict(metadata, site, kind, uses.get(site.span, ()))
        for site in sites.handles
        if site.kind == kind and site.shared and not in_tests(site) and not in_migration(site)
    ]


def _verdict(metadata: Metadata, site: HandleSite, kind: str, uses: Iterable[RegistryUse]) -> Verdict:
    beside = [use for use in uses if runs_side_by_side(site, use)]
    proof = min(beside, key=lambda use: use.span, default=None)
    made = f"{call_name(site)} {SHARED_AS[site.shared]}"
    return handle_verdict(
        metadata,
        site,
        f"{made} is shared" if proof is not None else f"{made} is one {kind} for all callers and threads",
        "make one for each call",
        sharing_severity(site, proof),
        frequency=proof.frequency if proof is not None else None,
        steps=(Step(proof.span, f"runs side by side on the one {kind}"),) if proof is not None else (),
        fix_title="Make one for each call in a with block",
    )
