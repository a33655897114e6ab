"""The plugin inside the real flake8, and what it does when things go wrong."""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import fake_program
import pytest

from poollint.check import Checker, CheckOptions, check
from poollint.checking import analysing
from poollint.frontends.flake8 import Host, PoollintPlugin, Report, encoded

EXAMPLE = Path(__file__).parent.parent / "examples" / "connection-explosion"
FLAGGED = "e = make()  # verdict: POL101 error high\n"

pytestmark = pytest.mark.skipif(
    not any(entry.name == "POL" for entry in entry_points(group="flake8.extension")),
    reason="poollint is not installed, so that flake8 does not know the plugin",
)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the shipped example, with a finding that another file explains."""
    target = tmp_path.resolve() / "shop"
    return Path(shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns(".poollint_cache")))


def flake8(*arguments: str, cwd: Path, stdin: str | None = None) -> list[str]:
    """The lines of a run of the real flake8 that concern poollint, or its syntax check."""
    command = [sys.executable, "-m", "flake8", "--select=POL,E9", *arguments]
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert not done.stderr, done.stderr
    return sorted(done.stdout.splitlines())


def poollint(*arguments: str, cwd: Path) -> list[str]:
    """The lines of a run of `poollint check`."""
    command = [sys.executable, "-m", "poollint", "check", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return sorted(done.stdout.splitlines())


def positions(lines: list[str]) -> list[str]:
    """The lines without `./` before their paths, as flake8 writes it for paths below `.`."""
    return sorted(re.sub(r"^\./", "", line) for line in lines)


# ------------------------------------------------------------------------------------------------- real flake8
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_findings_are_those_of_the_command_line(example: Path, jobs: str) -> None:
    found = positions(flake8(f"--jobs={jobs}", ".", cwd=example))
    assert found == poollint(".", cwd=example)
    assert any(line.startswith("config/database.py:14:14: POL101 ") for line in found)


def test_messages_end_with_the_fix_where_it_fits(example: Path) -> None:
    (line,) = [line for line in flake8("app/worker.py", cwd=example) if "POL202" in line]
    assert line.endswith("close it in finally, or use with")
    (example / "config" / "database.py").write_text(
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
        "SessionLocal = sessionmaker(create_engine('sqlite:///x'))\n\n\n"
        "def f():\n    with SessionLocal as s:\n        s.commit()\n"
    )
    (line,) = flake8("config/database.py", cwd=example)
    message = line.partition("POL219 ")[2]
    assert message.endswith("write with SessionLocal(); fix: use a session")
    assert len(message) <= 120


def test_one_file_gets_the_same_answer(example: Path) -> None:
    whole = [line for line in positions(flake8(".", cwd=example)) if line.startswith("config/database.py")]
    assert flake8("config/database.py", cwd=example) == whole
    assert flake8("main.py", cwd=example) == []


def test_worker_processes_that_are_spawned(example: Path, tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import multiprocessing, sys\n"
        "from flake8.main.cli import main\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.set_start_method('spawn')\n"
        "    sys.exit(main(['--select=POL', '--jobs=2', '.']))\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=example, capture_output=True, text=True, check=False)
    assert positions(done.stdout.splitlines()) == poollint(".", cwd=example), done.stderr


def test_standard_input_stands_for_a_file(example: Path) -> None:
    path = "config/database.py"
    text = (example / path).read_text()
    assert flake8("--stdin-display-name", path, "-", cwd=example, stdin=text) == flake8(path, cwd=example)
    moved = flake8("--stdin-display-name", path, "-", cwd=example, stdin="\n\n" + text)
    assert moved[0].startswith(f"{path}:16:14: POL101 ")
    mended = text.replace("def get_db_session", "def unused")
    assert flake8("--stdin-display-name", path, "-", cwd=example, stdin=mended) != flake8(path, cwd=example)


def test_standard_input_without_a_name_is_a_program_of_its_own(example: Path) -> None:
    text = (
        "from threading import Thread\nfrom sqlalchemy import create_engine\n\n\n"
        "def work():\n    engine = create_engine('postgresql://h/d')\n    engine.connect()\n\n\n"
        "while True:\n    Thread(target=work).start()\n"
    )
    found = flake8("-", cwd=example, stdin=text)
    assert any(line.startswith("stdin:6:14: POL1") for line in found), found
    assert flake8("-", cwd=example, stdin="x = 1\n") == []


def test_unsaved_text_stays_out_of_the_cache(example: Path) -> None:
    text = (example / "main.py").read_text() + "SECRET_OF_THE_BUFFER = 1\n"
    flake8("--stdin-display-name", "main.py", "-", cwd=example, stdin=text)
    for entry in (example / ".poollint_cache").glob("*"):
        assert b"SECRET_OF_THE_BUFFER" not in entry.read_bytes()


def test_flake8_applies_noqa_and_poollint_its_own_comments(example: Path) -> None:
    path = example / "config" / "database.py"
    original = path.read_text()
    line = original.splitlines()[13]
    for comment in ("# noqa", "# noqa: POL101", "# poollint: ignore[POL101] a test"):
        path.write_text(original.replace(line, f"{line}  {comment}"))
        assert not any("POL101" in found for found in flake8("config/database.py", cwd=example)), comment
    path.write_text(original.replace(line, f"{line}  # noqa: POL101"))
    assert any("POL101" in found for found in flake8("--disable-noqa", "config/database.py", cwd=example))
    path.write_text(original + "x = 1  # poollint: ignore[POL101] old\n")
    assert any("POL902" in found for found in flake8("config/database.py", cwd=example))


def test_options_override_the_configuration(example: Path) -> None:
    (example / "pyproject.toml").write_text('[tool.poollint]\nselect = ["POL107"]\n')
    assert not any("POL101" in line for line in flake8("config/database.py", cwd=example))
    assert any("POL101" in line for line in flake8("--poollint-select=POL101", "config/database.py", cwd=example))
    assert flake8("--poollint-exclude=config/", "config/database.py", cwd=example) == []


def test_options_in_flake8s_own_configuration(example: Path) -> None:
    assert any("POL101" in line for line in flake8("config/database.py", cwd=example))
    (example / ".flake8").write_text("[flake8]\npoollint-ignore = POL101,\n    POL2\n")
    assert not any("POL101" in line for line in flake8("config/database.py", cwd=example))


def test_no_cache(example: Path) -> None:
    assert flake8("--poollint-no-cache", ".", cwd=example)
    assert not (example / ".poollint_cache").exists()


def test_a_broken_configuration_is_one_finding(example: Path) -> None:
    (example / "pyproject.toml").write_text("[tool.poollint]\nselct = []\n")
    (line,) = flake8("main.py", cwd=example)
    assert line.startswith("main.py:1:1: POL903 ")
    assert "unknown key" in line


def test_syntax_errors_are_left_to_flake8(example: Path) -> None:
    (example / "app" / "worker.py").write_text("def worker(:\n")
    found = flake8("app/worker.py", cwd=example)
    assert len(found) == 1
    assert "E999" in found[0]


# -------------------------------------------------------------------------------------------------- in-process
@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose analysis is the stand-in's."""
    fake_program.install(monkeypatch)
    root = tmp_path.resolve()
    (root / "pyproject.toml").write_text("[tool.poollint]\n")
    (root / "app.py").write_text(FLAGGED)
    monkeypatch.chdir(root)
    return root


def options(**given: object) -> argparse.Namespace:
    """flake8's options as they are without any being given."""
    names = ("select", "ignore", "extend_select", "exclude", "models")
    defaults: dict[str, object] = {f"poollint_{name}": None for name in names}
    return argparse.Namespace(
        **{**defaults, "poollint_no_cache": False, "filenames": ["."], "select": None, "extend_select": None, **given}
    )


def run(name: str, monkeypatch: pytest.MonkeyPatch, **given: object) -> list[Report]:
    """What the plugin says about one file."""
    text = Path(name).read_text() if Path(name).exists() else ""
    monkeypatch.setattr(PoollintPlugin, "host", Host(options(**given)))
    return list(PoollintPlugin(ast.Module([], []), name, text.splitlines(keepends=True)).run())


def test_columns_count_from_0(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = run("app.py", monkeypatch)
    assert found == (1, 4, "POL101 an engine: make it once; fix: make it at import", PoollintPlugin)
    assert check(["app.py"]).findings[0].location.column == 5


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, False),
        ({"select": ["POL"]}, False),
        ({"extend_select": ["POL"]}, False),
        ({"select": ["E", "POL113"]}, True),
        ({"extend_select": ["POL1"]}, True),
        ({"poollint_extend_select": ["POL113"]}, True),
        ({"poollint_select": ["ALL"]}, True),
        ({"extend_select": ["POL999"]}, False),
    ],
)
def test_what_is_off_by_default_must_be_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], shown: bool
) -> None:
    (project / "app.py").write_text("e = make()  # verdict: POL113 info high\n")
    assert bool(run("app.py", monkeypatch, **given)) is shown


def test_an_internal_error_is_one_finding(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(analysing, "analyse_root", fail)
    (found,) = run("app.py", monkeypatch)
    assert (found.line, found.column) == (1, 0)
    assert found.text.startswith("POL900 poollint failed on this file (RuntimeError: first line second line)")


def test_without_options_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PoollintPlugin, "host", None)
    assert list(PoollintPlugin(ast.Module([], []), "x.py", []).run()) == []


def test_a_root_is_analysed_once_for_all_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_program.install(monkeypatch)
    reports: list[str] = []
    original = Checker.check_root
    monkeypatch.setattr(Checker, "check_root", lambda self, root: reports.append(root) or original(self, root))
    for number in range(5):
        (project / f"quiet{number}.py").write_text("x = 1\n")
    monkeypatch.setattr(PoollintPlugin, "host", Host(options()))
    for name in ("quiet0.py", "quiet1.py", "app.py", "quiet2.py", "app.py"):
        list(PoollintPlugin(ast.Module([], []), name, []).run())
    assert fake.analyses == 1
    assert len(reports) == 1


def test_excluded_ignored_and_nested_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text('[tool.poollint]\nexclude = ["old.py"]\n')
    (project / ".gitignore").write_text("built.py\n")
    for name in ("old.py", "built.py", "tool"):
        (project / name).write_text(FLAGGED)
    nested = project / "nested"
    nested.mkdir()
    (nested / "pyproject.toml").write_text('[tool.poollint]\nignore = ["POL101"]\n')
    (nested / "inner.py").write_text(FLAGGED)
    assert run("old.py", monkeypatch) == []
    assert run("built.py", monkeypatch) == []
    assert len(run("tool", monkeypatch)) == 1
    assert run("nested/inner.py", monkeypatch) == []


def test_buffers_keep_their_encoding() -> None:
    lines = ["# -*- coding: latin-1 -*-\n", "name = 'ü'\n"]
    assert encoded(lines) == "".join(lines).encode("latin-1")
    assert encoded(["# coding: no-such\n", "ü\n"]) == "# coding: no-such\nü\n".encode()
    assert encoded(["x = 'ü'\n"]) == "x = 'ü'\n".encode()


def test_the_default_options_are_those_of_a_plain_check(project: Path) -> None:
    made = Host(options()).check_options()
    assert made == CheckOptions(report="primary", host_applies_noqa=True, edits=False)
