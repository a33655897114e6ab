"""Runs poollint over the programs in `tests/fixtures` and compares what it says with their comments.

A case is a folder `tests/fixtures/<topic>/<case>`, one program of a few files. Comments say what has to come out:

- `# expect: POL101` on a line: reported there at default settings, and nothing else is reported in the case.
  Codes that belong together are separated by commas; `POL101|POL106` takes either.
- `# expect-all: POL114`: reported there with `--select ALL`, and not at default settings.
- `# chain: 1`, `# chain: 2`...: one finding has these lines among its related places, in this order.

A file `case.toml` may hold `select` (codes instead of the default set) and `families` (prefixes of the codes that are
compared; the default is all). It is not part of the program.
"""

from __future__ import annotations

import functools
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from poollint.check import CheckOptions, check
from poollint.findings import relative_path
from poollint.library.loader import Library, load_library

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.findings import Finding

FIXTURES = Path(__file__).parent / "fixtures"
CASE_FILE = "case.toml"
PYPROJECT = "pyproject.toml"
FAMILIES = ("POL",)
EXPECT = re.compile(r"#\s*expect:\s*(POL[\dPOL|, ]+)")
EXPECT_ALL = re.compile(r"#\s*expect-all:\s*(POL[\dPOL|, ]+)")
CHAIN = re.compile(r"#\s*chain:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    """One program of `tests/fixtures`."""

    name: str
    folder: Path
    select: tuple[str, ...] | None = None
    families: tuple[str, ...] = FAMILIES


@dataclass(frozen=True, slots=True, order=True)
class Expectation:
    """A line that has to be reported under one of `codes`. `path` is relative to the case."""

    path: str
    line: int
    codes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {'|'.join(self.codes)}"


@dataclass(frozen=True, slots=True)
class Marks:
    """What the comments of one case say. `chain` holds (path, line) in order."""

    expected: tuple[Expectation, ...]
    expected_all: tuple[Expectation, ...]
    chain: tuple[tuple[str, int], ...]


def all_cases(below: Path | None = None) -> list[Case]:
    """Every case of `tests/fixtures` (or of another folder like it), by name."""
    folders = sorted(path for path in (below or FIXTURES).glob("*/*") if path.is_dir() and path.name[0] not in "._")
    return [read_case(folder) for folder in folders]


def read_case(folder: Path) -> Case:
    """The case in a folder; its name is its topic and its own."""
    name = folder.relative_to(folder.parent.parent).as_posix()
    file = folder / CASE_FILE
    if not file.exists():
        return Case(name, folder)
    keys = tomllib.loads(file.read_text(encoding="utf-8"))
    select = tuple(keys["select"]) if "select" in keys else None
    return Case(name, folder, select, tuple(keys.get("families", FAMILIES)))


def read_marks(root: Path) -> Marks:
    """The comments of all Python files below `root`."""
    expected: list[Expectation] = []
    expected_all: list[Expectation] = []
    chain: list[tuple[int, tuple[str, int]]] = []
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            expected += found(EXPECT, path, number, line)
            expected_all += found(EXPECT_ALL, path, number, line)
            if match := CHAIN.search(line):
                chain.append((int(match[1]), (path, number)))
    return Marks(tuple(expected), tuple(expected_all), tuple(place for _, place in sorted(chain)))


def found(pattern: re.Pattern[str], path: str, number: int, line: str) -> list[Expectation]:
    """The expectations that one comment states."""
    match = pattern.search(line)
    if match is None:
        return []
    return [Expectation(path, number, tuple(part.strip().split("|"))) for part in match[1].split(",")]


@contextmanager
def program(case: Case) -> Iterator[Path]:
    """A copy of a case in a folder of its own, whose path says nothing about tests."""
    with neutral_folder() as folder:
        yield copy_program(case, folder / "program")


@contextmanager
def neutral_folder() -> Iterator[Path]:
    """An empty folder outside of any project; its name holds no "test"."""
    with tempfile.TemporaryDirectory(prefix="poollint-") as folder:
        yield Path(folder).resolve()


def copy_program(case: Case, target: Path) -> Path:
    """Copy a case to `target` and make it a project root; `target`."""
    shutil.copytree(case.folder, target, ignore=shutil.ignore_patterns(CASE_FILE, "__pycache__"))
    pyproject = target / PYPROJECT
    if not pyproject.exists():
        pyproject.write_text("[tool.poollint]\n", encoding="utf-8")
    return target


def run(
    paths: Sequence[Path],
    select: tuple[str, ...] | None = None,
    jobs: int = 1,
    cache: bool = False,
    everything: bool = False,
) -> list[Finding]:
    """The findings for some files or folders. Fails when poollint could not do its work."""
    options = CheckOptions(select=select, jobs=jobs, cache=cache, everything=everything)
    with library_read_once():
        report = check([str(path) for path in paths], options)
    assert not report.failures, report.failures
    return list(report.findings)


@contextmanager
def library_read_once() -> Iterator[None]:
    """A run without a cache reads our YAML files for each root; with hundreds of programs that is most of the time."""
    with mock.patch("poollint.library.loader.load_library", load_once):
        yield


def load_once(models: Sequence[Path] = (), cache_directory: Path | None = None) -> Library:
    """`load_library`, with one copy of what comes with poollint."""
    return load_library(models, cache_directory) if models else shipped_library()


@functools.cache
def shipped_library() -> Library:
    """What comes with poollint."""
    return load_library()


def compared(findings: Sequence[Finding], case: Case) -> list[Finding]:
    """The findings whose codes the case speaks about."""
    return [finding for finding in findings if finding.code.startswith(case.families)]


def differences(expected: Sequence[Expectation], findings: Sequence[Finding], root: Path) -> list[str]:
    """One line for each missed and each false alarm."""
    left = list(findings)
    problems = []
    for expectation in expected:
        hit = next((finding for finding in left if fits(expectation, finding, root)), None)
        if hit is None:
            problems.append(f"missed: {expectation}")
        else:
            left.remove(hit)
    return problems + [f"false alarm: {describe(finding, root)}" for finding in left]


def fits(expectation: Expectation, finding: Finding, root: Path) -> bool:
    """Whether a finding is the one expected."""
    place = (relative_path(finding.location.path, root), finding.location.line)
    return place == (expectation.path, expectation.line) and finding.code in expectation.codes


def has_chain(chain: Sequence[tuple[str, int]], finding: Finding, root: Path) -> bool:
    """Whether the related places of a finding contain all places of `chain`, in their order."""
    places = iter([(relative_path(step.location.path, root), step.location.line) for step in finding.related])
    return all(place in places for place in chain)


def describe(finding: Finding, root: Path) -> str:
    """A finding with its chain, for a failure's text."""
    location = finding.location
    steps = [f"{relative_path(step.location.path, root)}:{step.location.line}" for step in finding.related]
    way = f" [{' -> '.join(steps)}]" if steps else ""
    place = f"{relative_path(location.path, root)}:{location.line}:{location.column}"
    return f"{place} {finding.code} {finding.severity.value}/{finding.confidence.value} {finding.message}{way}"
