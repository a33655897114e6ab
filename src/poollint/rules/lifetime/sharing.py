"""What the rules about shared sessions and connections say alike (POL208, POL610)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite

SHARED_AS = {
    "module": "at module level",
    "class": "in the class body",
    "default argument": "as a default argument",
}


def sharing_severity(site: HandleSite) -> Severity:
    """Warning; info in a module that also runs as a program, or uses it while it is imported."""
    return Severity.INFO if site.script else Severity.WARNING
