"""One array of objects, for programs. The keys are a contract: they may grow, none goes away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from poollint.findings import relative_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poollint.findings import Finding, Fix, Related
    from poollint.output import View


def render(findings: Sequence[Finding], view: View) -> str:
    """The array, indented, with a final line feed."""
    return json.dumps([as_object(finding, view.start) for finding in findings], indent=2) + "\n"


def as_object(finding: Finding, start: Path) -> dict[str, object]:
    """One finding. Lines and columns count from 1, columns in code points, ends are exclusive."""
    location = finding.location
    return {
        "path": relative_path(location.path, start),
        "line": location.line,
        "column": location.column,
        "end_line": location.end_line,
        "end_column": location.end_column,
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "symbol": finding.symbol,
        "related": [related_object(step, start) for step in finding.related],
        "fix": fix_object(finding.fix, start) if finding.fix else None,
        "url": finding.url,
        "fingerprint": finding.fingerprint,
    }


def related_object(step: Related, start: Path) -> dict[str, object]:
    """One step of the chain."""
    return {
        "path": relative_path(step.location.path, start),
        "line": step.location.line,
        "column": step.location.column,
        "message": step.message,
    }


def fix_object(fix: Fix, start: Path) -> dict[str, object]:
    """What mends a finding; a person has to do it where there are no edits, for the reason in `held_back`."""
    return {
        "applicability": fix.applicability.value,
        "title": fix.title,
        "edits": [
            {
                "path": relative_path(edit.location.path, start),
                "start": {"line": edit.location.line, "column": edit.location.column},
                "end": {"line": edit.location.end_line, "column": edit.location.end_column},
                "text": edit.text,
            }
            for edit in fix.edits
        ],
        **({"held_back": fix.held_back} if fix.held_back else {}),
    }
