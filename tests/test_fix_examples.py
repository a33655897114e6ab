"""Fixes by example: `tests/fixes/CODE/case/before.py` becomes `after.py`, or stays, for what `held_back.txt` says.

`before.py` is a program of its own. Its findings of that code are mended one at a time until none has edits left.
Where some of its fixes are safe and some are not, `safe.py` is what the safe ones alone make of it. Comments say more:

- `# held: reason` on the line of a finding: it is not mended for this reason.
- `# requires: sqlalchemy<1.4`: what the program depends on.
"""

from __future__ import annotations

import re
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
REQUIRES = re.compile(r"#\s*requires:\s*(\S+)")
HELD = re.compile(r"#\s*held:\s*(.+)")
SAFE = frozenset({"safe"})
ALL = frozenset({"safe", "unsafe"})


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


def mended(file: Path, code: str, kinds: frozenset[str] = ALL) -> list[Finding]:
    """Apply the fixes of `code` in `file`, one in a round; the findings that are left."""
    for _ in range(MOST_ROUNDS):
        found = findings(file, code)
        fixes = (finding.fix for finding in found if finding.fix and finding.fix.edits)
        fix = next((fix for fix in fixes if fix.applicability.value in kinds), None)
        if fix is None:
            return found
        file.write_bytes(applied(SourceFile(str(file), file.read_bytes()), fix.edits))
    raise AssertionError("the fixes do not come to an end")


def prepared(before: bytes, folder: Path) -> Path:
    """The program of a case, in a project of its own."""
    requires = REQUIRES.search(before.decode())
    project = f'[project]\nname = "program"\ndependencies = ["{requires[1]}"]\n' if requires else ""
    (folder / harness.PYPROJECT).write_text(f"{project}[tool.poollint]\n")
    file = folder / "program.py"
    file.write_bytes(before)
    return file


def reasons_of(case: Path) -> str:
    """Why findings are not mended, one line for each, in the order of the program."""
    file = case / "held_back.txt"
    return file.read_text().strip() if file.exists() else "\n".join(HELD.findall((case / "before.py").read_text()))


@pytest.mark.parametrize("case", CASES, ids=[f"{path.parent.name}-{path.name}" for path in CASES])
def test_example(case: Path) -> None:
    code = case.parent.name
    expected = case / "after.py"
    before = (case / "before.py").read_bytes()
    with harness.neutral_folder() as folder:
        file = prepared(before, folder)
        assert findings(file, code), "nothing is found before"
        left = mended(file, code)
        held_back = "\n".join(finding.fix.held_back for finding in left if finding.fix)
        assert held_back == reasons_of(case)
        assert file.read_bytes().decode() == (expected.read_bytes() if expected.exists() else before).decode()
        compile(file.read_bytes(), str(file), "exec")
        if expected.exists() and not held_back:
            assert not left, "the findings are still there"


@pytest.mark.parametrize(
    "case", [path for path in CASES if (path / "safe.py").exists()], ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_safe_fixes_alone(case: Path) -> None:
    with harness.neutral_folder() as folder:
        file = prepared((case / "before.py").read_bytes(), folder)
        mended(file, case.parent.name, SAFE)
        assert file.read_text() == (case / "safe.py").read_text()


@pytest.mark.parametrize("form", ["crlf", "tabs", "no final newline", "byte order mark"])
def test_the_form_of_a_file_stays(form: str) -> None:
    for case in sorted({each.parent: each for each in CASES if (each / "after.py").exists()}.values()):
        before, after = (changed((case / name).read_bytes(), form) for name in ("before.py", "after.py"))
        with harness.neutral_folder() as folder:
            file = prepared(before, folder)
            mended(file, case.parent.name)
            assert file.read_bytes() == after, case


def changed(data: bytes, form: str) -> bytes:
    """The text of a file, written differently."""
    if form == "crlf":
        return data.replace(b"\n", b"\r\n")
    if form == "tabs":
        return data.replace(b"    ", b"\t")
    return data.rstrip(b"\n") if form == "no final newline" else b"\xef\xbb\xbf" + data
