"""Fixes by example: `tests/fixes/CODE/case/before.py` becomes `after.py`, or stays, for what `held_back.txt` says.

`before.py` is a program of its own. Its findings of that code are mended one at a time until none has edits left.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest

from poollint.check import CheckOptions, check
from poollint.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.findings import Edit, Finding

CASES = sorted(path.parent for path in (Path(__file__).parent / "fixes").glob("*/*/before.py"))
MOST_ROUNDS = 10


def findings(file: Path, code: str) -> list[Finding]:
    """The findings of one rule in the program that holds `file`, with their fixes."""
    with harness.library_read_once():
        report = check([str(file.parent)], CheckOptions(select=(code,), cache=False, edits=True))
    assert not report.failures, report.failures
    return [finding for finding in report.findings if finding.code == code]


def applied(source: SourceFile, edits: Sequence[Edit]) -> bytes:
    """The file after `edits`, which do not overlap."""
    starts = [0]
    for line in source.lines:
        starts.append(starts[-1] + len(line))
    text = source.text
    for edit in sorted(edits, key=lambda each: each.location, reverse=True):
        place = edit.location
        start, end = starts[place.line - 1] + place.column - 1, starts[place.end_line - 1] + place.end_column - 1
        text = text[:start] + edit.text + text[end:]
    return source.encoded(text)


def mended(file: Path, code: str) -> list[Finding]:
    """Apply the fixes of `code` in `file`, one in a round; the findings that are left."""
    for _ in range(MOST_ROUNDS):
        found = findings(file, code)
        fix = next((finding.fix for finding in found if finding.fix and finding.fix.edits), None)
        if fix is None:
            return found
        file.write_bytes(applied(SourceFile(str(file), file.read_bytes()), fix.edits))
    raise AssertionError("the fixes do not come to an end")


@pytest.mark.parametrize("case", CASES, ids=[f"{path.parent.name}-{path.name}" for path in CASES])
def test_example(case: Path) -> None:
    code = case.parent.name
    reasons, expected = case / "held_back.txt", case / "after.py"
    before = (case / "before.py").read_bytes()
    with harness.neutral_folder() as folder:
        (folder / harness.PYPROJECT).write_text("[tool.poollint]\n")
        file = folder / "program.py"
        file.write_bytes(before)
        assert findings(file, code), "nothing is found before"
        left = mended(file, code)
        held_back = "\n".join(finding.fix.held_back for finding in left if finding.fix)
        assert held_back == (reasons.read_text().strip() if reasons.exists() else "")
        assert file.read_bytes().decode() == (expected.read_bytes() if expected.exists() else before).decode()
        if expected.exists() and not reasons.exists():
            assert not left, "the findings are still there"
