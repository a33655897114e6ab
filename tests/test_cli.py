"""The command line as people use it: options, exit statuses, streams."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import fake_program
import pytest

from poollint import __version__
from poollint.checking.sources import FileReader
from poollint.frontends import cli
from poollint.frontends.terminal import Terminal

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "connection-explosion"
FLAGGED = "e = make()  # verdict: POL101 error high\n"
FLAGGED_LINE = "app.py:1:5: POL101 an engine: make it once\n"


class Ended(NamedTuple):
    """How a run of poollint ended."""

    status: int
    out: str
    err: str


class Stream(io.StringIO):
    """A text stream whose bytes can be read too, as of standard input."""

    def __init__(self, text: str = "", terminal: bool = False) -> None:
        super().__init__(text)
        self.terminal = terminal
        self.buffer = io.BytesIO(text.encode())

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flagged file, judged by the stand-in; it is the working directory."""
    fake_program.install(monkeypatch)
    root = tmp_path.resolve()
    (root / "pyproject.toml").write_text("[tool.poollint]\n")
    (root / "app.py").write_text(FLAGGED)
    monkeypatch.chdir(root)
    return root


def poollint(*arguments: str, stdin: str = "", terminal: bool = False) -> Ended:
    """Run the command line in this process."""
    out, err = Stream(terminal=terminal), Stream(terminal=terminal)
    original = Terminal.of_process
    Terminal.of_process = classmethod(lambda cls: cls(out, err, Stream(stdin), {}))  # type: ignore[method-assign]
    try:
        status = cli.run(arguments)
    finally:
        Terminal.of_process = original  # type: ignore[method-assign]
    return Ended(status, out.getvalue(), err.getvalue())


def real_poollint(*arguments: str, cwd: Path, **environment: str) -> Ended:
    """Run poollint as a process of its own, with the real analysis."""
    done = subprocess.run(
        [sys.executable, "-m", "poollint", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


# ---------------------------------------------------------------------------------------------- exit statuses
def test_findings_are_status_1(project: Path) -> None:
    assert poollint("check") == Ended(1, FLAGGED_LINE, "")


def test_nothing_found_is_status_0(project: Path) -> None:
    (project / "app.py").write_text("e = 1\n")
    assert poollint("check") == Ended(0, "", "")


def test_exit_zero(project: Path) -> None:
    assert poollint("check", "--exit-zero") == Ended(0, FLAGGED_LINE, "")


def test_below_fail_on_is_status_0(project: Path) -> None:
    (project / "app.py").write_text("e = make()  # verdict: POL101 warning high\n")
    assert poollint("check", "--fail-on", "error").status == 0
    assert poollint("check").status == 1
    (project / "app.py").write_text("e = make()  # verdict: POL101 info high\n")
    assert poollint("check", "--select", "POL101").status == 0
    assert poollint("check", "--select", "POL101", "--fail-on", "info").status == 1


def test_a_missing_path_is_status_2(project: Path) -> None:
    ended = poollint("check", "missing.py")
    assert ended == Ended(2, "", "poollint: error: missing.py: no such file or directory\n")


def test_a_missing_path_does_not_hide_what_else_is_found(project: Path) -> None:
    ended = poollint("check", "missing.py", "app.py")
    assert (ended.status, ended.out) == (2, FLAGGED_LINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "--select", "POL199"], "no rule is called POL199; the nearest one is POL109"),
        (["check", "--select", "E501"], "no rule is called E501"),
        (["check", "--select", ""], "--select names no rule"),
        (["check", "--select", " , "], "--select names no rule"),
        (["check", "--output-file", "no/such/folder"], "no/such/folder: cannot be written"),
        (["check", "--stdin-filename", "app.py"], "--stdin-filename needs the path -"),
        (["check", "-", "app.py"], "- (standard input) cannot be combined"),
        (["check", "--config", "missing.toml"], "missing.toml: cannot be read"),
        (["rule", "POL999"], "no rule is called POL999; the nearest one is POL900"),
        (["rule", "POL1O1"], "no rule is called POL1O1; the nearest one is POL101"),
        (["rule", "engine-per-cal"], "the nearest one is engine-per-call"),
        (["rule", "POL101", "--all"], "not both"),
        (["explain", "app.py"], "expected PATH:LINE"),
        (["explain", "missing.py:3"], "missing.py: no such file"),
        (["engines", "missing"], "missing: no such file or directory"),
    ],
)
def test_what_the_user_can_mend_is_status_2(project: Path, arguments: list[str], message: str) -> None:
    ended = poollint(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("poollint: error: ")
    assert message in ended.err


def test_a_file_that_cannot_be_read_is_status_2(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    (project / "closed.py").write_text("")
    monkeypatch.setattr(FileReader, "from_disk", refuse)
    ended = poollint("explain", "closed.py:1", "--no-cache")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "poollint: error: closed.py: cannot be read: Permission denied\n"


def test_a_folder_that_cannot_be_read_says_why(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "closed").mkdir()
    listed = os.scandir

    def refuse(folder: str) -> object:
        if os.fspath(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    ended = poollint("check", "closed", "--no-cache")
    assert ended.status == 2
    assert f"{project / 'closed'}: cannot be read: Permission denied" in ended.err


def test_all_rules_by_either_word(project: Path) -> None:
    assert poollint("rule", "ALL").out == poollint("rule", "--all").out
    assert poollint("rule", "all", "--output-format", "json").out == poollint("rule", "--output-format", "json").out


def test_a_broken_configuration_is_status_2(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.poollint]\nexclud = ["x"]\n')
    ended = poollint("check")
    assert ended.status == 2
    assert f"{project / 'pyproject.toml'}: tool.poollint.exclud: unknown key" in ended.err
    assert '"exclude"' in ended.err
    assert poollint("check", "--isolated").status == 1


def test_a_wrong_option_is_status_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert poollint("check", "--selekt", "POL101").status == 2
    assert poollint("check", "--jobs", "-1").status == 2
    assert poollint("chekc").status == 2
    assert "the nearest one is 'check'" in capsys.readouterr().err


def test_a_path_in_place_of_a_command_is_explained(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert poollint("app.py").status == 2
    assert "to check that path: poollint check app.py" in capsys.readouterr().err


def test_a_fault_of_poollint_is_status_2(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(fake_program.analysing, "analyse_root", fail)
    ended = poollint("check", "-v")
    assert ended.status == 2
    assert "ZeroDivisionError: oops" in ended.err
    assert "please report it" in ended.err


def test_a_fault_anywhere_else_is_status_2(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poollint import check

    monkeypatch.setattr(check, "report", lambda *_: 1 / 0)
    ended = poollint("check")
    assert ended.status == 2
    assert "ZeroDivisionError" in ended.err
    assert "internal error of poollint" in ended.err


def test_no_command_shows_the_commands(project: Path) -> None:
    ended = poollint()
    assert ended.status == 2
    assert "explain   say why" in ended.err


def test_version_and_help(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert poollint("--version").status == 0
    assert capsys.readouterr().out == f"poollint {__version__}\n"
    for command in cli.SUMMARIES:
        assert poollint(command, "--help").status == 0
        assert capsys.readouterr().out.startswith(f"usage: poollint {command}")


# ---------------------------------------------------------------------------------------------------- options
def test_select_and_ignore_take_lists_and_may_be_repeated(project: Path) -> None:
    assert poollint("check", "--select", "POL102,POL101").status == 1
    assert poollint("check", "--select", "POL102", "--select", "POL101").status == 1
    assert poollint("check", "--ignore", "POL102, POL101").status == 0


def test_informational_findings_are_counted_on_standard_error(project: Path) -> None:
    (project / "app.py").write_text("e = make()  # verdict: POL101 info high\n")
    assert poollint("check").err == "1 informational finding hidden; --select ALL shows them\n"
    assert poollint("check", "-q").err == ""
    assert poollint("check", "--select", "ALL").out == FLAGGED_LINE


def test_exclude(project: Path) -> None:
    assert poollint("check", "--exclude", "app.py").status == 0


def test_output_file(project: Path) -> None:
    ended = poollint("check", "--output-file", "report.json", "--output-format", "json", "--statistics")
    assert (ended.status, ended.out) == (1, "")
    assert "1 POL101 engine-per-call" in ended.err
    assert json.loads((project / "report.json").read_text())[0]["path"] == "app.py"


def test_the_configured_format_is_used(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.poollint]\noutput-format = "json"\n')
    assert json.loads(poollint("check").out)[0]["code"] == "POL101"
    assert poollint("check", "--output-format", "text").out == FLAGGED_LINE


def test_statistics(project: Path) -> None:
    (project / "app.py").write_text(FLAGGED + FLAGGED + "e = make()  # verdict: POL107 warning high\n")
    assert poollint("check", "--statistics").out.endswith(
        "    2 POL101 engine-per-call\n    1 POL107 engine-never-disposed\n"
    )
    assert json.loads(poollint("check", "--statistics", "--output-format", "json").out)


def test_verbose_tells_what_was_read(project: Path) -> None:
    assert "1 files, analysed" in poollint("check", "-v").err
    assert "1 files, unchanged" in poollint("check", "-v").err


def test_paths_are_relative_to_the_working_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    assert poollint("check", "..").out == f"{project.as_posix()}/{FLAGGED_LINE}"
    assert poollint("check").out == ""


def test_config_is_read_instead_of_the_projects(project: Path) -> None:
    (project / "other.toml").write_text('ignore = ["POL101"]\n')
    assert poollint("check", "--config", "other.toml").status == 0


def test_show_files(project: Path) -> None:
    (project / "notes.ipynb").write_text("{}")
    (project / "node_modules").mkdir()
    (project / "old.py").write_text("")
    ended = poollint("check", "--show-files", "--exclude", "old.py")
    assert ended.status == 0
    assert "  app.py\n" in ended.out
    assert "  node_modules: not read (never read)\n" in ended.out
    assert "  notes.ipynb: not read (notebooks are not read)\n" in ended.out
    assert "  old.py: not read (excluded)\n" in ended.out


def test_show_settings_is_a_configuration(project: Path) -> None:
    from poollint.config import Settings, parse_toml, settings_from_table

    (project / "pyproject.toml").write_text(
        '[tool.poollint]\nignore = ["POL101"]\n[tool.poollint.per-file-ignores]\n"a*" = ["POL102"]\n'
    )
    ended = poollint("check", "--show-settings")
    lines = ended.out.splitlines()
    assert lines[0] == f"root {project}"
    assert lines[1] == f"  # from {project / 'pyproject.toml'}"
    table = parse_toml("\n".join(lines[1:]).encode(), "")
    expected = Settings(ignore=("POL101",), per_file_ignores=(("a*", ("POL102",)),), source="x")
    assert settings_from_table(table, "x") == expected


def test_show_settings_tells_the_versions_and_why(project: Path) -> None:
    (project / "requirements.txt").write_text("sqlalchemy==1.4.54\nfastapi>=0.100,<0.118\n")
    ended = poollint("check", "--show-settings")
    assert "sqlalchemy-version =" not in ended.out
    assert "  # SQLAlchemy 1.4.54: sqlalchemy==1.4.54 in requirements.txt\n" in ended.out
    assert "  # FastAPI 0.117: the newest that fastapi>=0.100,<0.118 in requirements.txt allows\n" in ended.out
    assert "  # Flask-SQLAlchemy unknown: no file names it\n" in ended.out
    (project / "pyproject.toml").write_text("[tool.poollint]\nsqlalchemy-version = '2.0'\n")
    ended = poollint("check", "--show-settings")
    assert '  sqlalchemy-version = "2.0"\n' in ended.out
    assert "  # SQLAlchemy 2.0: sqlalchemy-version in pyproject.toml\n" in ended.out


# ---------------------------------------------------------------------------------------------- standard input
def test_standard_input_stands_for_a_file(project: Path) -> None:
    ended = poollint("check", "--stdin-filename", "app.py", "-", stdin="\n" + FLAGGED)
    assert ended == Ended(1, FLAGGED_LINE.replace(":1:", ":2:"), "")
    assert poollint("check", "--stdin-filename", "app.py", "-", stdin="e = 1\n").status == 0


def test_standard_input_without_a_name(project: Path) -> None:
    assert poollint("check", "-", stdin=FLAGGED).out == FLAGGED_LINE.replace("app.py", "stdin")


# ------------------------------------------------------------------------------------------- terminal and pipes
def test_progress_on_a_terminal(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poollint.frontends import terminal

    monkeypatch.setattr(terminal, "PATIENCE", 0.01)
    fake = fake_program.FakeProgram()

    def slow(*arguments: object) -> object:
        time.sleep(0.2)
        return fake.analyse_root(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fake_program.analysing, "analyse_root", slow)
    assert poollint("check", "--no-cache", terminal=True).err == "poollint: analysing...\r\x1b[K"
    assert poollint("check", "--no-cache").err == ""


def test_colours_only_on_a_terminal(project: Path) -> None:
    assert "\x1b[" in poollint("check", terminal=True).out
    assert "\x1b[" not in poollint("check").out


def test_a_closed_pipe_is_quiet(project: Path) -> None:
    class Closed(Stream):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(Closed(), Stream(), Stream(), {})
    terminal.write("x")
    terminal.write("y")
    assert terminal.finish(1) == 1


# --------------------------------------------------------------------------------------------- real processes
@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the shipped example."""
    import shutil

    return Path(shutil.copytree(EXAMPLE, tmp_path.resolve() / "shop", ignore=shutil.ignore_patterns(".poollint_cache")))


def test_the_example(example: Path) -> None:
    ended = real_poollint("check", "--output-format", "json", cwd=example)
    assert ended.status == 1, ended.err
    (finding,) = [finding for finding in json.loads(ended.out) if finding["code"].startswith("POL1")]
    assert (finding["code"], finding["path"]) == ("POL101", "config/database.py")
    places = [step["path"] for step in finding["related"]]
    assert places[0] == "main.py"
    assert "app/worker.py" in places


def test_nothing_of_the_heavy_libraries_is_imported_when_nothing_is_new(example: Path) -> None:
    program = (
        "import sys; from poollint.frontends.cli import run; status = run(sys.argv[1:]); "
        "heavy = {'libcst', 'msgspec', 'yaml', 'poollint.program.sites'} & set(sys.modules); "
        "sys.exit(f'{status} {heavy}' if heavy or status else 0)"
    )
    assert real_poollint("check", "--exit-zero", cwd=example).status == 0
    command = [sys.executable, "-c", program, "check", "main.py"]
    time.sleep(2.1)
    assert real_poollint("check", "--exit-zero", cwd=example).status == 0
    done = subprocess.run(command, cwd=example, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_libcst_is_not_imported_when_nothing_is_flagged(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "db.py").write_text("from sqlalchemy import create_engine\nengine = create_engine('sqlite://')\n")
    program = (
        "import sys; from poollint.frontends.cli import run; status = run(['check']); "
        "sys.exit(f'{status} libcst' if 'libcst' in sys.modules or status else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_runs_at_the_same_time_share_the_cache(example: Path) -> None:
    command = [sys.executable, "-m", "poollint", "check"]
    running = [subprocess.Popen(command, cwd=example, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = {process.communicate(timeout=60)[0] for process in running}
    assert len(outputs) == 1
    assert "POL101" in outputs.pop()
    assert {process.returncode for process in running} == {1}
    assert not list((example / ".poollint_cache").glob("*.part"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a disk that is always full")
def test_a_full_disk_is_a_failure_in_one_line(example: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "poollint", "check"]
        done = subprocess.run(command, cwd=example, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "poollint: error: the results cannot be written: No space left on device\n"


def test_an_empty_path_is_refused(project: Path) -> None:
    assert poollint("check", "").status == 2


def test_a_pipe_that_closes_early(example: Path) -> None:
    command = f"{sys.executable} -m poollint check --output-format full; echo status $? >&2"
    done = subprocess.run(f"({command}) | true", shell=True, cwd=example, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_interrupt_is_status_130(example: Path) -> None:
    waiting = "import poollint.__main__ as m, poollint.frontends.cli as c, time\n"
    waiting += "def run(argv):\n    print('ready', flush=True)\n    time.sleep(30)\n"
    waiting += "c.run = run\nraise SystemExit(m.main())\n"
    process = subprocess.Popen(
        [sys.executable, "-c", waiting], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")


def test_explain_and_engines(example: Path) -> None:
    explained = real_poollint("explain", "config/database.py:14", cwd=example)
    assert explained.status == 0, explained.err
    listed = real_poollint("engines", cwd=example)
    assert listed.status == 0, listed.err
    assert "config/database.py:" in listed.out
    objects = json.loads(real_poollint("engines", "--output-format", "json", cwd=example).out)
    assert objects[0]["times"] == "many"


def test_explain_tells_who_owns_a_session(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "db.py").write_text(
        "from sqlalchemy import create_engine, text\n"
        "from sqlalchemy.orm import Session\n"
        "engine = create_engine('postgresql://app@db/app')\n"
        "def count(registry):\n"
        "    session = Session(engine)\n"
        "    number = session.execute(text('select 1')).scalar()\n"
        "    session.close()\n"
        "    return number\n"
        "def kept(registry):\n"
        "    session = Session(engine)\n"
        "    session.execute(text('select 1'))\n"
        "    registry.append(session)\n"
    )
    explained = real_poollint("explain", "db.py:5", cwd=tmp_path).out
    assert "Session() makes a session here (sqlalchemy.orm.Session), in count." in explained
    assert "Owner: this function." in explained
    assert "Given back: closed at line 7." in explained
    assert "Not given back when line 6 raises." in explained
    kept = real_poollint("explain", "db.py:10", cwd=tmp_path).out
    assert "Owner: the code that it is passed to" in kept
    assert "handed_over: Somebody else gets it in the end; only an exception" in kept


def test_explain_names_the_exemption(tmp_path: Path) -> None:
    lines = (
        "from sqlalchemy import create_engine, text",
        "engine = None",
        "def get_engine():",
        "    global engine",
        "    if engine is None:",
        "        engine = create_engine('postgresql://db')",
        "    return engine",
    )
    (tmp_path / "db.py").write_text("\n".join(lines))
    explained = real_poollint("explain", "db.py:6", cwd=tmp_path).out
    assert "guarded_global: A guard on a global or an attribute lets the call run once." in explained
    beyond = real_poollint("explain", "db.py:8", cwd=tmp_path)
    assert (beyond.status, beyond.err) == (2, "poollint: error: db.py has no line 8: it ends with line 7\n")


def test_a_file_that_is_no_python_is_told_of_and_leaves_no_cache(tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    ended = real_poollint("check", "passwd", cwd=tmp_path)
    assert (ended.status, ended.out) == (0, "")
    assert ended.err.endswith("passwd: not read, its name, first line and syntax are not those of Python\n")
    assert [path.name for path in tmp_path.iterdir()] == ["passwd"]


def test_a_lone_script_is_read_and_leaves_no_cache(tmp_path: Path) -> None:
    (tmp_path / "job").write_text(
        "#!/usr/bin/env python3\nimport sqlalchemy as sa\nwhile True:\n    sa.create_engine('postgresql://db').connect()\n"
    )
    assert "POL103" in real_poollint("check", "job", cwd=tmp_path).out
    assert [path.name for path in tmp_path.iterdir()] == ["job"]


def test_a_wrong_number_of_processes_is_told_in_words(tmp_path: Path) -> None:
    ended = real_poollint("check", "--jobs", "-3", cwd=tmp_path)
    assert ended.status == 2
    assert "'-3' is no number of processes: give 1 or more, or 0 to let poollint choose" in ended.err


def test_a_template_is_told_to_be_excluded(tmp_path: Path) -> None:
    text = "from sqlalchemy import create_engine\nimport {{ cookiecutter.name }}\nengine = create_engine('x://y')\n"
    (tmp_path / "main.py").write_text(text)
    assert "exclude it if it is a template" in real_poollint("check", cwd=tmp_path).out


def test_passwords_are_not_printed() -> None:
    from poollint.frontends.commands.engines import without_password

    assert without_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert without_password("sqlite:///a.db") == "sqlite:///a.db"


def test_clean(project: Path) -> None:
    poollint("check")
    assert (project / ".poollint_cache").exists()
    assert poollint("clean") == Ended(0, "", f"removed {project / '.poollint_cache'}\n")
    assert not (project / ".poollint_cache").exists()
    assert poollint("clean") == Ended(0, "", "")


def test_rule_pages(project: Path) -> None:
    assert poollint("rule", "pol101").out.startswith("# engine-per-call (POL101)\n")
    assert poollint("rule", "engine-per-call").out == poollint("rule", "POL101").out
    listed = poollint("rule").out.splitlines()
    assert listed[0].startswith("POL101 engine-per-call: ")
    assert json.loads(poollint("rule", "POL101", "--output-format", "json").out)["code"] == "POL101"
    assert len(json.loads(poollint("rule", "--all", "--output-format", "json").out)) == len(listed)


@pytest.mark.parametrize(
    "options",
    [
        ("--output-format", "json"),
        ("--select", "ALL"),
        ("--extend-select", "POL1", "--fail-on", "info"),
        ("--ignore", "POL101"),
        ("--report", "touched"),
    ],
)
def test_options_of_one_run_do_not_reach_the_next(project: Path, options: tuple[str, ...]) -> None:
    (project / "more.py").write_text("e = make()  # verdict: POL102 info high\n")
    for path in project.iterdir():  # Old enough for its times to be trusted.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    before = poollint("check", "--no-cache")
    poollint("check", *options, "--exit-zero")
    poollint("check", *options, "--exit-zero")
    after = poollint("check")
    assert (after.status, after.out, after.err) == (before.status, before.out, before.err)


def test_a_mark_is_kept_while_its_file_is_the_same(tmp_path: Path) -> None:
    """What libcst said about a file is not asked again because another file has changed."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "db.py").write_text(
        "from sqlalchemy import create_engine\ndef f(rows):\n    for row in rows:\n        create_engine(row)\n"
    )
    (tmp_path / "other.py").write_text("x = 1\n")
    first = real_poollint("check", ".", cwd=tmp_path)
    (tmp_path / "other.py").write_text("x = 2\n")
    command = (
        "import sys\n"
        "from poollint.frontends.cli import run\n"
        "status = run(['check', '.'])\n"
        "print('libcst' in sys.modules, file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    again = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (first.status, first.out)
    assert again.stderr.splitlines()[-1] == "False"
