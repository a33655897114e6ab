"""What is reported for a file does not depend on how poollint was started, nor on how a name was imported."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest
from renaming import rename_imports

from poollint.frontends import cli
from poollint.rules import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poollint.findings import Finding

CASES = harness.all_cases()
Key = tuple[str, int, int, int, int, str, str, str, str]


def key(finding: Finding, root: Path) -> Key:
    """All that makes two findings equal, except the names of absolute paths."""
    place = finding.location
    chain = " ".join(
        f"{harness.relative_path(step.location.path, root)}:{step.location.line}:{step.location.column} {step.message}"
        for step in finding.related
    )
    path = harness.relative_path(place.path, root)
    return (
        path,
        place.line,
        place.column,
        place.end_line,
        place.end_column,
        finding.code,
        finding.message,
        f"{finding.severity.value} {finding.confidence.value} {finding.symbol} {finding.fingerprint}",
        chain,
    )


def keys(findings: Sequence[Finding], root: Path) -> list[Key]:
    return [key(finding, root) for finding in findings]


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """All cases side by side, each a project root."""
    with harness.neutral_folder() as folder:
        for case in CASES:
            harness.copy_program(case, folder / case.name)
        yield folder


@pytest.fixture(scope="module")
def baseline(tree: Path) -> list[Key]:
    """What one run over everything reports, informational findings included."""
    return keys(harness.run([tree], ("ALL",)), tree)


def files_of(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*.py") if not (path.parent.parent / "pyvenv.cfg").exists())


def test_fixtures_report_something(baseline: list[Key]) -> None:
    assert len(baseline) > 100


def test_order_of_arguments(tree: Path, baseline: list[Key]) -> None:
    assert keys(harness.run(files_of(tree)[::-1], ("ALL",)), tree) == baseline


def test_each_file_passed_alone(tree: Path, baseline: list[Key]) -> None:
    alone = [each for file in files_of(tree) for each in keys(harness.run([file], ("ALL",)), tree)]
    assert sorted(alone) == sorted(baseline)


def test_each_program_alone(tree: Path, baseline: list[Key]) -> None:
    alone = [each for case in CASES for each in keys(harness.run([tree / case.name], ("ALL",)), tree)]
    assert sorted(alone) == sorted(baseline)


def test_two_jobs(tree: Path, baseline: list[Key]) -> None:
    assert keys(harness.run([tree], ("ALL",), jobs=2), tree) == baseline


def test_cold_and_warm_cache(tree: Path, baseline: list[Key]) -> None:
    cold = keys(harness.run([tree], ("ALL",), cache=True), tree)
    assert list(tree.rglob(".poollint_cache"))
    warm = keys(harness.run([tree], ("ALL",), cache=True), tree)
    again = keys(harness.run([tree], ("ALL",), jobs=2, cache=True), tree)
    assert cold == warm == again == baseline


def test_default_selection_is_a_part_of_all(tree: Path, baseline: list[Key]) -> None:
    default = [finding for finding in harness.run([tree]) if finding.severity.value != "info"]
    places = {each[:4] for each in baseline}
    assert {each[:4] for each in keys(default, tree)} <= places


def test_import_renaming() -> None:
    with harness.neutral_folder() as folder:
        copies = {case.name: harness.copy_program(case, folder / case.name) for case in CASES}
        before = short(harness.run([folder]), folder)
        rewritten = sum([rewrite(file) for root in copies.values() for file in files_of(root)])
        assert rewritten > 100
        assert short(harness.run([folder]), folder) == before


def rewrite(file: Path) -> bool:
    """Rename the imports of one file in place; whether that was possible."""
    try:
        renamed = rename_imports(file.read_text(encoding="utf-8"))
    except SyntaxError:
        return False
    if renamed is None:
        return False
    file.write_text(renamed, encoding="utf-8")
    return True


def short(findings: Sequence[Finding], root: Path) -> list[tuple[str, int, str]]:
    """Path, line and code: what stays when names get longer."""
    return [(harness.relative_path(each.location.path, root), each.location.line, each.code) for each in findings]


def test_flake8_reports_the_same() -> None:
    plugins = importlib.metadata.entry_points(group="flake8.extension")
    if not any(plugin.name == "POL" for plugin in plugins):
        pytest.skip("poollint is not installed as a flake8 plugin")
    options = ["--select=POL", "--jobs=1", "--format=%(path)s:%(row)d:%(col)d: %(code)s %(text)s"]
    with harness.neutral_folder() as folder:
        for case in CASES[::6]:
            harness.copy_program(case, folder / case.name)
        expected = [line for line in text_report(folder) if ": POL901 " not in line]
        done = subprocess.run(
            [sys.executable, "-m", "flake8", *options, "."], cwd=folder, capture_output=True, text=True, check=False
        )
    reported = [line.removeprefix("./").partition("; fix: ")[0] for line in done.stdout.splitlines()]
    assert not done.stderr
    assert len(expected) > 10
    assert sorted(reported) == sorted(expected)


def text_report(tree: Path) -> list[str]:
    """The lines of `poollint check .` in a folder."""
    status, text = run_cli(["check", "--no-cache", "--quiet", "."], tree)
    assert status == 1
    return text.splitlines()


def run_cli(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run the command line in a folder; its status and standard output."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), harness.library_read_once():
            status = cli.run(arguments)
        out.flush()
        return status, out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    finally:
        os.chdir(before)


FINDING_KEYS: dict[str, type | tuple[type, ...]] = {
    "path": str,
    "line": int,
    "column": int,
    "end_line": int,
    "end_column": int,
    "code": str,
    "name": str,
    "message": str,
    "severity": str,
    "confidence": str,
    "symbol": str,
    "related": list,
    "fix": (dict, type(None)),
    "url": str,
    "fingerprint": str,
}


def test_json_keeps_its_contract(tree: Path) -> None:
    status, text = run_cli(["check", "--no-cache", "--quiet", "--select", "ALL", "--output-format", "json", "."], tree)
    assert status == 1
    report = json.loads(text)
    assert report
    rule_names = {rule.metadata.code: rule.metadata.name for rule in registry.RULES}
    for finding in report:
        assert set(FINDING_KEYS) <= set(finding)
        assert all(isinstance(finding[name], kind) for name, kind in FINDING_KEYS.items()), finding
        assert (tree / finding["path"]).is_file()
        assert "\\" not in finding["path"]
        assert finding["severity"] in ("error", "warning", "info")
        assert finding["confidence"] in ("high", "medium", "low")
        assert finding["name"] == rule_names[finding["code"]]
        start, end = (finding["line"], finding["column"]), (finding["end_line"], finding["end_column"])
        assert start < end or (start == end and finding["code"] == "POL901")
        assert len(finding["message"]) <= 120, finding["message"]
        assert re.fullmatch(r"[0-9a-f]{16}", finding["fingerprint"])
        for step in finding["related"]:
            assert {"path", "line", "column", "message"} <= set(step)
            assert step["message"]
    identities = [(finding["path"], finding["fingerprint"]) for finding in report]
    assert not [finding for finding in report if identities.count((finding["path"], finding["fingerprint"])) > 1][:4]


def test_reported_columns_hold_the_call(tree: Path) -> None:
    for finding in harness.run([tree], ("POL101", "POL102", "POL103", "POL104")):
        if finding.code == "POL901":
            continue
        place = finding.location
        lines = Path(place.path).read_text(encoding="utf-8").splitlines()
        end = place.end_column - 1 if place.end_line == place.line else None
        assert re.match(r"[\w.]+", lines[place.line - 1][place.column - 1 : end]), finding


def test_reading_everything_changes_nothing(tree: Path, baseline: list[Key]) -> None:
    assert keys(harness.run([tree], ("ALL",), everything=True), tree) == baseline


@pytest.mark.slow
@pytest.mark.parametrize("index", range(5))
def test_reading_everything_changes_nothing_in_real_packages(index: int) -> None:
    packages = corpus_packages()
    if len(packages) <= index:
        pytest.skip("the corpus is not there: set POOLLINT_CORPUS to a folder of unpacked packages")
    root = packages[index]
    demand_driven = keys(harness.run([root], ("ALL",)), root)
    assert keys(harness.run([root], ("ALL",), everything=True), root) == demand_driven


def corpus_packages() -> list[Path]:
    """The five smallest packages of the corpus, where it has been fetched."""
    folder = Path(os.environ.get("POOLLINT_CORPUS") or Path.home() / ".cache" / "poollint-corpus")
    if not folder.is_dir():
        return []
    sized = [(sum(1 for _ in path.rglob("*.py")), path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return [path for files, path in sorted(sized) if files][:5]
