"""Programs that poollint is known to get wrong, each with the comments that would be right.

They are the work list of the next sitting. A case that begins to pass fails this test: move it to `tests/fixtures`.
"""

from __future__ import annotations

from pathlib import Path

import harness
import pytest

CASES = harness.all_cases(Path(__file__).parent / "known_gaps")


@pytest.mark.xfail(strict=True, reason="known gap")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_findings_are_those_of_the_comments(case: harness.Case) -> None:
    with harness.program(case) as root:
        marks = harness.read_marks(root)
        findings = harness.compared(harness.run([root], case.select), case)
        assert not harness.differences(marks.expected, findings, root)
