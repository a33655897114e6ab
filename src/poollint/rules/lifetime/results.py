"""The judgement that POL211 and POL611 share: a result that is returned unread, and read after its handle is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.lifetime.exemptions import in_migration, in_tests
from poollint.rules.lifetime.reporting import handle_verdict

if TYPE_CHECKING:
    from poollint.program.sites import ProgramSites
    from poollint.rules.base import Metadata, Verdict


def unread_results(metadata: Metadata, sites: ProgramSites, kind: str) -> list[Verdict]:
    """One verdict for each result of a handle of this kind ("session", "connection") that leaves unread."""
    return [
        handle_verdict(
            metadata,
            site,
            f"what is returned here is read after {site.name or f'its {kind}'} is closed",
            "read the rows before it closes",
            Severity.WARNING,
            span=span,
            fix_title="Read all rows before they are returned",
            fix_applicability="unsafe",
        )
        for site in sites.handles
        if site.kind == kind and not in_tests(site) and not in_migration(site)
        for span in site.unread_results
    ]
