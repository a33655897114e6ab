"""Every program in `tests/fixtures` is reported exactly as its comments say, and so is the shipped example."""

from __future__ import annotations

import shutil
from pathlib import Path

import harness
import pytest

from poollint.findings import Severity

CASES = harness.all_cases()
EXAMPLE = Path(__file__).parent.parent / "examples" / "connection-explosion"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_findings_are_those_of_the_comments(case: harness.Case) -> None:
    with harness.program(case) as root:
        marks = harness.read_marks(root)
        findings = harness.compared(harness.run([root], case.select), case)
        problems = harness.differences(marks.expected, findings, root)
        if marks.chain and not any(harness.has_chain(marks.chain, finding, root) for finding in findings):
            problems.append(f"no finding has the chain {marks.chain}")
        reported = [harness.describe(finding, root) for finding in findings]
        assert not problems, "\n".join([*problems, "reported:", *reported])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_select_all_adds_what_is_marked(case: harness.Case) -> None:
    marks = harness.read_marks(case.folder)
    if not marks.expected_all:
        return
    with harness.program(case) as root:
        findings = harness.run([root], ("ALL",))
        missed = [
            str(expectation)
            for expectation in marks.expected_all
            if not any(harness.fits(expectation, finding, root) for finding in findings)
        ]
        assert not missed, "\n".join([*missed, "reported:", *(harness.describe(each, root) for each in findings)])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_comments_name_codes(case: harness.Case) -> None:
    marks = harness.read_marks(case.folder)
    for expectation in (*marks.expected, *marks.expected_all):
        assert all(code.startswith("POL") and len(code) == 6 for code in expectation.codes), str(expectation)


def line_of(path: Path, text: str) -> int:
    """The one line of a file that holds `text`."""
    lines = [number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line]
    assert len(lines) == 1, (path, text, lines)
    return lines[0]


def test_shipped_example_in_place() -> None:
    check_example(EXAMPLE)


def test_shipped_example_as_a_copy_without_its_pyproject() -> None:
    with harness.neutral_folder() as folder:
        copy = shutil.copytree(EXAMPLE, folder / "copy", ignore=shutil.ignore_patterns("pyproject.toml"))
        check_example(copy)


def check_example(root: Path) -> None:
    findings = [finding for finding in harness.run([root]) if finding.code.startswith("POL1")]
    expected = harness.Expectation(
        "config/database.py", line_of(root / "config/database.py", "= create_engine("), ("POL101",)
    )
    assert not harness.differences([expected], findings, root)
    chain = [
        ("main.py", line_of(root / "main.py", "add_done_callback")),
        ("app/worker.py", line_of(root / "app/worker.py", "= get_db_session()")),
    ]
    assert harness.has_chain(chain, findings[0], root), harness.describe(findings[0], root)
    assert "main.py" in findings[0].message


@pytest.mark.parametrize(
    ("name", "severities"),
    [("pol208/forms", {Severity.WARNING}), ("pol208/proven", {Severity.ERROR}), ("pol610/proven", {Severity.ERROR})],
)
def test_a_shared_handle_is_an_error_where_it_is_proven_to_be_used_side_by_side(
    name: str, severities: set[Severity]
) -> None:
    with harness.program(next(case for case in CASES if case.name == name)) as root:
        assert {finding.severity for finding in harness.run([root])} == severities
