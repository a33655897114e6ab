"""`poollint check --fix` and `--diff` as people use them: streams, statuses, files."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness import library_read_once
from test_cli import Ended, poollint, real_poollint
from test_mending import DATABASE, USER

from poollint.checking.outcome import Report
from poollint.fixing import PENDING, pending, writing
from poollint.fixing.mending import Mended
from poollint.fixing.writing import CannotWrite, reason_against, write_together

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXED = USER.replace("with SessionLocal", "with SessionLocal()")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program with two safe fixes and an unsafe one; it is the working directory."""
    root = tmp_path.resolve() / "program"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.poollint]\n")
    (root / "db.py").write_text(DATABASE)
    (root / "app.py").write_text(USER)
    monkeypatch.chdir(root)
    with library_read_once():
        yield root


def test_fix_writes_and_reports_what_is_left(project: Path) -> None:
    ended = poollint("check", "--fix")
    assert ended.status == 1
    assert ended.out.startswith("app.py:17:5: POL219 ")
    why = "app.py:17: POL219 held back: unsafe, open a connection of the engine\n"
    assert ended.err == f"2 fixed, 1 held back (1 unsafe: --unsafe-fixes applies it)\n{why}"
    assert (project / "app.py").read_text() == FIXED
    assert poollint("check", "--fix").err == f"0 fixed, 1 held back (1 unsafe: --unsafe-fixes applies it)\n{why}"


def test_a_program_in_a_program_is_mended_in_one_go(project: Path) -> None:
    inner = project / "service"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[tool.poollint]\n")
    (inner / "app.py").write_text(
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
        'SessionLocal = sessionmaker(create_engine("postgresql://app@db/app"))\n\n\n'
        "def swallow(order):\n    session = SessionLocal()\n    try:\n        session.add(order)\n"
        "        session.commit()\n    except Exception as error:\n        print(error)\n"
        "    session.query(order).all()\n    session.close()\n"
    )
    ended = poollint("check", "--fix", "--unsafe-fixes")
    assert ended.err == "5 fixed\n", "both rounds of the inner program"
    assert poollint("check") == Ended(0, "", "")


def test_unsafe_fixes_leave_nothing(project: Path) -> None:
    assert poollint("check", "--fix", "--unsafe-fixes") == Ended(0, "", "3 fixed\n")
    assert poollint("check", "--fix", "--unsafe-fixes") == Ended(0, "", "0 fixed\n")
    assert poollint("check") == Ended(0, "", "")


def test_diff_writes_nothing(project: Path) -> None:
    ended = poollint("check", "--diff", "--fix")
    assert ended.status == 1
    assert ended.out.startswith("--- app.py\n+++ app.py\n@@ -4,12 +4,12 @@\n")
    assert "-    with SessionLocal as session:\n+    with SessionLocal() as session:\n" in ended.out
    assert ended.err.startswith("2 would be fixed, 1 held back")
    assert (project / "app.py").read_text() == USER
    patched = subprocess.run(["patch", "-p0"], input=ended.out, text=True, capture_output=True, check=False)
    assert patched.returncode == 0, patched.stderr
    assert (project / "app.py").read_text() == FIXED
    assert poollint("check", "--diff", "-q") == Ended(0, "", "")


def test_diff_on_a_terminal_is_coloured(project: Path) -> None:
    ended = poollint("check", "--diff", terminal=True)
    assert "\x1b[31m-    with SessionLocal as session:\x1b[0m\n" in ended.out
    assert "\x1b[32m+    with SessionLocal() as session:\x1b[0m\n" in ended.out


def test_diff_and_exit_zero(project: Path) -> None:
    assert poollint("check", "--diff", "--exit-zero").status == 0


def test_a_last_line_without_an_end(project: Path) -> None:
    (project / "app.py").write_text(USER.rstrip("\n").rpartition("\n\n\n")[0])
    (project / "app.py").write_text("from db import SessionLocal\n\nwith SessionLocal as session: pass")
    assert (
        "\\ No newline at end of file\n+with SessionLocal() as session: pass\n\\ No" in poollint("check", "--diff").out
    )


def test_unsafe_fixes_alone_do_nothing(project: Path) -> None:
    ended = poollint("check", "--unsafe-fixes")
    assert (ended.status, ended.out) == (2, "")
    assert "--unsafe-fixes needs --fix or --diff" in ended.err


def test_standard_input_is_mended_onto_standard_output(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "poollint", "check", "--fix", "--stdin-filename", "app.py", "-"],
        input=USER.replace("\n", "\r\n").encode(),
        capture_output=True,
        check=False,
    )
    assert done.stdout == FIXED.replace("\n", "\r\n").encode()
    assert done.stderr.startswith(b"app.py:17:5: POL219 ")
    assert (project / "app.py").read_text() == USER
    nothing = poollint("check", "--fix", "-", stdin="x = 1\n")
    assert nothing.err == "0 fixed\n"
    broken = subprocess.run(
        [sys.executable, "-m", "poollint", "check", "--fix", "-"],
        input=b"import sqlalchemy\nsqlalchemy.create_engine(\n",
        capture_output=True,
        check=False,
    )
    assert (broken.returncode, broken.stdout) == (1, b"import sqlalchemy\nsqlalchemy.create_engine(\n")


def test_why_something_is_held_back(project: Path) -> None:
    (project / "app.py").write_text("from db import SessionLocal\n\n\ndef f():\n    return SessionLocal.execute('')\n")
    ended = poollint("check", "--fix")
    reason = "a session made in place has no owner that closes it"
    assert ended.err == f"0 fixed, 1 held back\napp.py:5: POL219 held back: {reason}\n"
    assert poollint("check", "--fix", "-q").err == ""


def test_json_holds_the_edits(project: Path) -> None:
    found = json.loads(poollint("check", "--output-format", "json").out)
    assert [each["fix"]["applicability"] for each in found] == ["safe", "safe", "unsafe"]
    edit = {"path": "app.py", "start": {"line": 7, "column": 22}, "end": {"line": 7, "column": 22}, "text": "()"}
    assert found[0]["fix"] == {"applicability": "safe", "title": "Make a session", "edits": [edit]}
    again = json.loads(poollint("check", "--output-format", "json").out)
    assert again == found
    assert json.loads(poollint("check", "--fix", "--output-format", "json").out)[0]["line"] == 17


def test_edits_move_with_the_tree(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poollint("check", "--output-format", "json")
    moved = project.rename(tmp_path.resolve() / "moved")
    monkeypatch.chdir(moved)
    found = json.loads(poollint("check", "--output-format", "json").out)
    assert found[0]["fix"]["edits"][0]["path"] == "app.py"


# -------------------------------------------------------------------------------------------------------- files
def test_permissions_links_and_times(project: Path) -> None:
    real = project / "app.py"
    real.chmod(0o741)
    link = project.parent / "link.py"
    link.symlink_to(real)
    assert poollint("check", "--fix", str(link)).status == 1
    assert link.is_symlink()
    assert real.read_text() == FIXED
    assert stat.S_IMODE(real.stat().st_mode) == 0o741
    assert {path.name for path in project.iterdir()} <= {"app.py", "db.py", "pyproject.toml", ".poollint_cache"}


def test_read_only_files_are_told(project: Path) -> None:
    (project / "app.py").chmod(0o444)
    ended = poollint("check", "--fix")
    assert ended.status == 1
    assert ended.err.startswith("0 fixed, 3 held back\napp.py:7: POL219 held back: the file is read-only\n")
    assert (project / "app.py").read_text() == USER


def test_a_file_that_changes_meanwhile_stays(project: Path) -> None:
    path = str(project / "app.py")
    with pytest.raises(CannotWrite, match="has changed in the meantime"):
        write_together({path: b"something else"}, {path: b"new"}, [])
    assert (project / "app.py").read_text() == USER


def test_reasons_against_a_file(project: Path) -> None:
    assert reason_against(str(project / "app.py")) == ""
    assert "cannot be read" in reason_against(str(project / "none.py"))


def test_an_error_between_two_files_leaves_both_old(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {str(project / name): (project / name).read_bytes() for name in ("app.py", "db.py")}
    real = Path.replace

    def failing(self: Path, target: str) -> Path:
        if str(target).endswith("db.py"):
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(CannotWrite, match=r"db\.py: cannot be written: No space left"):
        write_together(before, dict.fromkeys(before, b"new\n"), [project])
    assert {path: Path(path).read_bytes() for path in before} == before
    assert {path.name for path in project.iterdir()} == {"app.py", "db.py", "pyproject.toml"}


def test_ctrl_c_between_two_files_waits(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {str(project / name): (project / name).read_bytes() for name in ("app.py", "db.py")}
    real = Path.replace

    def interrupted(self: Path, target: str) -> Path:
        signal.raise_signal(signal.SIGINT)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together(before, dict.fromkeys(before, b"new\n"), [project])
    assert {Path(path).read_bytes() for path in before} == {b"new\n"}
    assert not (project / PENDING).exists()


def test_what_a_killed_run_left_is_told(project: Path) -> None:
    before = {str(project / name): (project / name).read_bytes() for name in ("app.py", "db.py")}
    after = {path: data + b"# new\n" for path, data in before.items()}
    pending.announce(project, before, after)
    (project / "app.py").write_bytes(after[str(project / "app.py")])
    told = f"poollint: a fix was interrupted: {project}/app.py is written, {project}/db.py is not"
    assert told in poollint("check").err
    assert told in poollint("check", "--fix").err
    assert "interrupted" not in poollint("check").err
    pending.announce(project, before, after)
    (project / "db.py").write_bytes(after[str(project / "db.py")])
    assert "interrupted" not in poollint("check").err


def test_leftovers_of_dead_processes_go(project: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    leftover = project / f".app.py.{dead.pid}{writing.SUFFIX}"
    own = project / f".app.py.{os.getpid()}{writing.SUFFIX}.keep"
    for path in (leftover, own):
        path.write_text("")
    poollint("check", "--fix")
    assert (leftover.exists(), own.exists()) == (False, True)


KILLED = """
import sys
from pathlib import Path
from poollint.fixing.writing import write_together
folder = Path(sys.argv[1])
print("ready", flush=True)
for path in sorted(folder.glob("m*.py")):
    old = path.read_bytes()
    write_together({str(path): old}, {str(path): old.replace(b"old", b"new")}, [folder])
"""


def test_a_killed_run_leaves_old_or_new_files(tmp_path: Path) -> None:
    """Twenty times at another moment, over a few hundred files."""
    old, new = b"old = 1\n" * 500, b"new = 1\n" * 500
    mixed = 0
    for attempt in range(20):
        for number in range(200):
            (tmp_path / f"m{number:03}.py").write_bytes(old)
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(attempt * 0.004)
        process.kill()
        process.wait()
        process.stdout.close()
        contents = [path.read_bytes() for path in sorted(tmp_path.glob("m*.py"))]
        assert len(contents) == 200
        assert set(contents) <= {old, new}
        mixed += 0 < contents.count(new) < 200
    assert mixed > 0


# ------------------------------------------------------------------------------------------------------- imports
def test_a_plain_check_knows_nothing_of_fixing(project: Path) -> None:
    program = (
        "import sys; from poollint.frontends.cli import run; run(['check']); "
        "heavy = {'poollint.fixing.mending', 'poollint.editing.wrapping', 'poollint.frontends.mending', 'difflib'}; "
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0


def test_the_help_names_them() -> None:
    shown = real_poollint("check", "--help", cwd=Path.cwd()).out
    assert all(option in shown for option in ("--fix", "--diff", "--unsafe-fixes"))


def test_nothing_to_write() -> None:
    assert writing.write(Mended(Report())) == []


def test_full_output_shows_the_edits(project: Path) -> None:
    shown = poollint("check", "--output-format", "full").out
    assert "= help: Make a session (--fix does it)\n  -     with SessionLocal as session:\n" in shown
    assert "= help: Open a connection of the engine (--fix --unsafe-fixes does it)\n" in shown
    assert "  +     with engine.connect() as connection:\n" in shown
