"""What holds for every fix of every rule, on every program of `tests/fixtures` and `tests/fixes`.

The mended program is Python, its findings are gone, none came, a second run changes nothing, and encoding, byte order
mark, line endings, tabs and form feeds are those of before.
"""

from __future__ import annotations

import ast
import re
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest

from poollint.check import CheckOptions
from poollint.findings import Applicability, Severity
from poollint.fixing.mending import Mended, mend
from poollint.fixing.state import looked_at
from poollint.fixing.syntax import is_kept
from poollint.rules.pages import code_blocks, page
from poollint.rules.registry import RULES
from poollint.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MENDING = {rule.metadata.code: rule for rule in RULES if rule.fixer is not None}
EXAMPLES = Path(__file__).parent / "fixes"
EVERYTHING = CheckOptions(select=("ALL",), cache=False)
INDENTATION = re.compile(r"^(?:    )+", re.MULTILINE)
DEFINITION = re.compile(r"^(?=(?:async )?def |class |@)", re.MULTILINE)


def programs() -> list[Path]:
    """The programs in which something may be mended: those whose comments expect a code with a fixer."""
    wanted = re.compile("|".join(MENDING).encode())
    cases = [case.folder for case in harness.all_cases()]
    found = [folder for folder in cases if any(wanted.search(path.read_bytes()) for path in folder.rglob("*.py"))]
    return [*found, *sorted(path.parent for path in EXAMPLES.glob("*/*/before.py"))]


PROGRAMS = programs()


def as_windows(data: bytes) -> bytes:
    """Other line endings, a byte order mark, and a last line that does not end."""
    return b"\xef\xbb\xbf" + data.removeprefix(b"\xef\xbb\xbf").replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def as_old(data: bytes) -> bytes:
    """An encoding of its own with a letter that needs it, tabs, and form feeds between definitions."""
    text = INDENTATION.sub(lambda found: "\t" * (len(found.group()) // 4), data.decode())
    text = f"# coding: latin-1\n# ä\n{DEFINITION.sub(chr(12) + chr(10), text)}"
    return text.encode("latin-1", "replace")


VARIANTS: dict[str, Callable[[bytes], bytes]] = {"plain": lambda data: data, "windows": as_windows, "old": as_old}


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with harness.library_read_once():
        yield


def copied(program: Path, target: Path, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a program as a project; `target`."""
    ignored = shutil.ignore_patterns("case.toml", "after.py", "safe.py", "held_back.txt", "__pycache__")
    shutil.copytree(program, target, ignore=ignored)
    for path in target.rglob("*.py"):
        data = change(path.read_bytes())
        if parses(path.read_bytes()) and parses(data):
            path.write_bytes(data)
    if not (target / harness.PYPROJECT).exists():
        (target / harness.PYPROJECT).write_text("[tool.poollint]\n")
    return target


def parses(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        return False
    return True


@cache
def is_mended(program: Path) -> bool:
    """Whether anything is fixed in a program: the others have nothing to show."""
    with harness.neutral_folder() as folder:
        return bool(mended([copied(program, folder / "program", VARIANTS["plain"])]).after)


def mended(paths: Sequence[Path]) -> Mended:
    return mend(paths, EVERYTHING, True, lambda _path: "")


def check_file(path: str, before: bytes, after: bytes) -> None:
    """What holds for one mended file."""
    old, new = SourceFile(path, before), SourceFile(path, after)
    assert is_kept(old.text, new.text), new.text
    assert (old.encoding, old.has_bom, old.newline) == (new.encoding, new.has_bom, new.newline)
    endings = {re.sub(r"[^\r\n]", "", line[-2:]) for line in new.lines[:-1]}
    assert endings <= {old.newline}
    assert old.text.endswith(old.newline) == new.text.endswith(old.newline)
    assert old.text.count("\f") <= new.text.count("\f")
    if re.search(r"^\t", old.text, re.MULTILINE) and not re.search(r"^ ", old.text, re.MULTILINE):
        assert not re.search(r"^ ", new.text, re.MULTILINE), new.text


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("program", PROGRAMS, ids=[f"{path.parent.name}-{path.name}" for path in PROGRAMS])
def test_fixes_keep_their_promises(program: Path, variant: str) -> None:
    if not is_mended(program):
        return
    with harness.neutral_folder() as folder:
        root = copied(program, folder / "program", VARIANTS[variant])
        before = looked_at([root], EVERYTHING, {})
        done = mended([root])
        for finding in done.fixed:
            assert finding.fix is not None
            stated = MENDING[finding.code].metadata.fix
            assert finding.fix.applicability is not Applicability.SAFE or stated == "safe", finding
        for path, data in done.after.items():
            check_file(path, done.before[path], data)
            Path(path).write_bytes(data)
        after = looked_at([root], EVERYTHING, {})
        fixed = dict.fromkeys(before.tallies.shown, 0)
        for finding in done.fixed:
            fixed[(finding.location.path, finding.code, finding.severity.rank)] += 1
        for key, count in after.tallies.shown.items():
            assert count <= before.tallies.shown[key] - fixed[key], (
                key,
                [each.message for each in after.report.findings],
            )
        assert after.tallies.default <= before.tallies.default
        assert after.report.findings == done.report.findings
        assert mended([root]).after == {}
        assert not {each.reason for each in done.held_back} & {"the file could not be parsed afterwards"}


@pytest.mark.parametrize("program", PROGRAMS, ids=[f"{path.parent.name}-{path.name}" for path in PROGRAMS])
def test_the_order_of_files_does_not_matter(program: Path) -> None:
    if not is_mended(program):
        return
    with harness.neutral_folder() as folder:
        root = copied(program, folder / "program", VARIANTS["plain"])
        files = sorted(root.rglob("*.py"))
        if len(files) > 1:
            assert mended(files).after == mended(files[::-1]).after


def test_fixes_were_tried() -> None:
    assert len(PROGRAMS) > len(MENDING)
    assert sum(map(is_mended, PROGRAMS)) > len(MENDING)


@pytest.mark.parametrize("code", sorted(MENDING))
def test_the_example_of_a_page_is_mended_or_told_why_not(code: str) -> None:
    """What is offered for the page's own example removes it."""
    with harness.neutral_folder() as root:
        (root / harness.PYPROJECT).write_text("[tool.poollint]\n")
        for block in code_blocks(page(MENDING[code]).section("Example")):
            if block.language == "python":
                (root / block.file_name).parent.mkdir(parents=True, exist_ok=True)
                (root / block.file_name).write_text(block.code)
        done = mend([root], EVERYTHING._replace(select=(code,)), True, lambda _path: "")
        found = [*done.fixed, *done.report.findings]
        assert {finding.code for finding in found} == {code}
        # What a fix makes milder may stay as advice (POL313).
        mildest = Severity.INFO if done.fixed else None
        left = {(each.location, each.code) for each in done.report.findings if each.severity is not mildest}
        told = {(each.finding.location, each.finding.code) for each in done.held_back if each.reason}
        assert left == told, "a finding is left without a reason"
        for path, data in done.after.items():
            check_file(path, done.before[path], data)
