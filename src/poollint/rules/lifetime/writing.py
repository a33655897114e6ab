"""The judgement that POL206 and POL605 share: is anything that was written ever committed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.sites import Span, Step

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite


def writes_in_vain(site: HandleSite) -> bool:
    """It writes, no path commits or rolls back on purpose, and nobody else can."""
    if not site.writes or site.commits or site.context or site.autocommit:
        return False
    return not site.rollbacks and not site.escapes and not site.forgotten


def written_step(site: HandleSite) -> Step:
    """The first line that writes."""
    line = site.writes[0]
    return Step(Span(site.span.path, line, 0, line, 0), "this change waits for a commit")
