"""`path:line:column: CODE message`, one line a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import relative_path
from poollint.output.style import Style, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.findings import Finding, Location
    from poollint.output import View


def render(findings: Sequence[Finding], view: View) -> str:
    """One line a finding."""
    style = Style(view.colour)
    return "".join(f"{headline(finding, view, style)}\n" for finding in findings)


def headline(finding: Finding, view: View, style: Style) -> str:
    """The line that the text and the full format share."""
    where = style(place(finding.location, view), "bold")
    return f"{where}: {style.severity(finding.code, finding.severity)} {printable(finding.message)}"


def place(location: Location, view: View) -> str:
    """`path:line:column`, the path relative to the working directory when it lies there."""
    return f"{printable(relative_path(location.path, view.start))}:{location.line}:{location.column}"
