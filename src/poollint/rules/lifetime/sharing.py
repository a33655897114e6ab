"""The judgement that POL208 and POL610 share: one session or connection that serves everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.lifetime.exemptions import in_migration, in_tests
from poollint.rules.lifetime.reporting import call_name, handle_verdict

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.rules.base import Metadata, Verdict

SHARED_AS = {
    "module": "at module level",
    "class": "in the class body",
    "default argument": "as a default argument",
}


def sharing_severity(site: HandleSite) -> Severity:
    """Warning; info in a module that also runs as a program, or uses it while it is imported."""
    return Severity.INFO if site.script else Severity.WARNING


def shared_handles(metadata: Metadata, sites: ProgramSites, kind: str) -> list[Verdict]:
    """One verdict for each handle of this kind ("session", "connection") that everybody shares."""
    return [
        handle_verdict(
            metadata,
            site,
            f"{call_name(site)} {SHARED_AS[site.shared]} is one {kind} for all callers and threads",
            "make one for each call",
            sharing_severity(site),
            fix_title="Make one for each call in a with block",
        )
        for site in sites.handles
        if site.kind == kind and site.shared and not in_tests(site) and not in_migration(site)
    ]
