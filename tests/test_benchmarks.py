"""The benchmark command runs end to end on a small tree. Nothing here looks at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"
ENGINE = "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite://')\n"
TREE = {"engines.py": ENGINE, "plain.py": "ANSWER = 42\n", "clean.py": "from demo.engines import engine\n"}

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="the benchmark measures with os.wait4")


def benchmark(corpus: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the packages in a folder."""
    command = [sys.executable, str(RUN), "--corpus", str(corpus), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One package of three files."""
    folder = tmp_path_factory.mktemp("corpus")
    package = folder / "demo-1.0" / "demo"
    package.mkdir(parents=True)
    for name, text in {"__init__.py": "", **TREE}.items():
        (package / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def outcome(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results of one run over the cheap rows."""
    folder = tmp_path_factory.mktemp("outcome")
    files = ("--relevant-file=demo/engines.py", "--plain-file=demo/plain.py", "--clean-file=demo/clean.py")
    written = (f"--results={folder / 'results.json'}", f"--readme={folder / 'README.md'}")
    ended = benchmark(corpus, "--packages=demo", "--repeat=1", "--groups=yardsticks,poollint,file", *files, *written)
    assert ended.returncode == 0, ended.stderr
    return folder


def rows_of(folder: Path) -> dict[str, Any]:
    """The rows by name."""
    return {row["name"]: row for row in json.loads((folder / "results.json").read_text(encoding="utf-8"))["rows"]}


def test_every_row_is_measured(outcome: Path) -> None:
    rows = rows_of(outcome)
    yardsticks = ["startup", "read", "ast", "libcst"]
    assert list(rows) == [*yardsticks, "cold", "warm", "changed", "changed-plain", "file", "file-clean"]
    for row in rows.values():
        assert len(row["runs"]) == 1
        assert all(value > 0 for value in row["runs"][0].values()), row


def test_targets_are_judged_where_their_rows_were_measured(outcome: Path) -> None:
    targets = json.loads((outcome / "results.json").read_text(encoding="utf-8"))["targets"]
    judged = {target["text"]: target["actual"] is not None for target in targets}
    assert judged["no cache yet, in multiples of `ast.parse` of all files"]
    assert not judged["flake8 with the plugin, in multiples of flake8 without it"]
    assert all((target["met"] is None) == (target["actual"] is None) for target in targets)


def test_the_readme_tells_the_machine_the_versions_and_the_rows(outcome: Path) -> None:
    readme = (outcome / "README.md").read_text(encoding="utf-8")
    about = json.loads((outcome / "results.json").read_text(encoding="utf-8"))["about"]
    assert about["machine"] in readme
    assert f"poollint {about['versions']['poollint']}" in readme
    assert "demo-1.0: 4 files, 5 lines" in readme
    assert all(row["title"] in readme for row in rows_of(outcome).values())


def test_the_readme_can_be_written_anew_from_the_results(outcome: Path, corpus: Path, tmp_path: Path) -> None:
    again = tmp_path / "README.md"
    ended = benchmark(corpus, "--render", f"--results={outcome / 'results.json'}", f"--readme={again}")
    assert ended.returncode == 0, ended.stderr
    assert again.read_bytes() == (outcome / "README.md").read_bytes()


def test_the_readme_in_the_repository_belongs_to_its_results(corpus: Path, tmp_path: Path) -> None:
    again = tmp_path / "README.md"
    benchmark(corpus, "--render", f"--readme={again}")
    assert again.read_bytes() == RUN.with_name("README.md").read_bytes()


def test_the_originals_are_left_alone(outcome: Path, corpus: Path) -> None:
    assert outcome.is_dir()
    found = {path.name: path.read_text(encoding="utf-8") for path in corpus.rglob("*") if path.is_file()}
    assert found == {"__init__.py": "", **TREE}


def test_a_missing_package_is_named_with_the_way_to_get_it(corpus: Path) -> None:
    ended = benchmark(corpus, "--packages=demo,absent")
    assert ended.returncode == 2
    assert f"no absent in {corpus}" in ended.stderr
    assert "fetch --only absent" in ended.stderr


def test_an_unknown_group_is_refused(corpus: Path) -> None:
    ended = benchmark(corpus, "--packages=demo", "--groups=colour")
    assert ended.returncode == 2
    assert "there is no colour" in ended.stderr
