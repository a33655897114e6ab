"""Programs without markers: the same answers as from an analysis, without one."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poollint.check import CheckError, CheckOptions, Report, check
from poollint.checking import analysing
from poollint.checking.snapshot import stamp
from poollint.workspace import listing

if TYPE_CHECKING:
    from pathlib import Path

    from poollint.findings import Finding

UNUSED = "x = 1  # poollint: ignore[POL101] no longer\n"
ENGINE = "from sqlalchemy import create_engine\n\n\ndef f():\n    for _ in range(9):\n        create_engine('x://')\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A root without SQLAlchemy."""
    (tmp_path / "pyproject.toml").write_text("[tool.poollint]\n")
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text(UNUSED)
    return tmp_path.resolve()


@pytest.fixture
def unanalysed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An analysis fails the test."""
    monkeypatch.setattr(analysing, "analyse_root", lambda *_: pytest.fail("the program is analysed"))


def told(report: Report) -> tuple[tuple[Finding, ...], tuple[str, ...], tuple[str, ...]]:
    """What a user sees of a report."""
    return report.findings, report.failures, report.notices


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_the_report_is_that_of_an_analysis(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "broken.py").write_text("x = (\n")
    short = told(check([project], CheckOptions(cache=False)))
    with monkeypatch.context() as patched:
        patched.setattr("poollint.checking.root_run.may_be_markerless", lambda *_: False)
        assert told(check([project], CheckOptions(cache=False))) == short
    assert [finding.code for finding in short[0]] == ["POL902"]


def test_an_unreadable_file_is_told_of(project: Path, monkeypatch: pytest.MonkeyPatch, unanalysed: None) -> None:
    from poollint.checking.sources import FileReader

    read = FileReader.from_disk

    def denied(self: FileReader, path: str) -> bytes:
        if path == "app.py":
            raise PermissionError(13, "Permission denied")
        return read(self, path)

    monkeypatch.setattr(FileReader, "from_disk", denied)
    assert check([project]).failures == (f"{project.as_posix()}/app.py: cannot be read: Permission denied",)


@pytest.mark.parametrize("rest", [True, False])
def test_other_content_without_markers_is_no_reason_for_an_analysis(
    project: Path, monkeypatch: pytest.MonkeyPatch, unanalysed: None, rest: bool
) -> None:
    if rest:
        monkeypatch.setattr(listing, "SETTLED_NS", 0)
    assert codes(check([project])) == ["POL902"]
    (project / "app.py").write_text(UNUSED * 2)
    (project / "other.py").write_text("y = 2\n")
    (project / "new.py").write_text("z = 3\n")
    assert codes(check([project])) == ["POL902", "POL902"]
    assert codes(check([project])) == ["POL902", "POL902"]


def test_only_changed_files_are_read_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poollint.checking.sources import FileReader

    monkeypatch.setattr(listing, "SETTLED_NS", 0)
    check([project])
    (project / "app.py").write_text("x = 22\n")
    opened: list[str] = []
    read = FileReader.from_disk
    monkeypatch.setattr(FileReader, "from_disk", lambda self, path: opened.append(path) or read(self, path))
    check([project / "app.py"])
    assert opened == ["app.py"]


@pytest.mark.parametrize("rest", [True, False])
def test_a_marker_that_appears_is_seen(project: Path, monkeypatch: pytest.MonkeyPatch, rest: bool) -> None:
    if rest:
        monkeypatch.setattr(listing, "SETTLED_NS", 0)
    check([project])
    (project / "app.py").write_text(ENGINE)
    assert codes(check([project])) == ["POL103", "POL902"]
    assert codes(check([project])) == ["POL103", "POL902"]
    (project / "app.py").write_text("x = 1\n")
    assert codes(check([project])) == ["POL902"]


def test_a_marker_in_a_buffer_is_seen(project: Path) -> None:
    options = CheckOptions(buffers={str(project / "app.py"): ENGINE.encode()})
    for _ in range(2):
        assert codes(check([project / "app.py"], options)) == ["POL103"]
        assert codes(check([project / "app.py"])) == []
    assert codes(check([], CheckOptions(anonymous=ENGINE.encode()))) == ["POL103"]
    assert codes(check([], CheckOptions(anonymous=UNUSED.encode()))) == ["POL902"]


def test_a_buffer_without_markers_is_what_is_reported_on(project: Path, unanalysed: None) -> None:
    buffers = {str(project / "app.py"): UNUSED.encode(), str(project / "other.py"): b"x = 1\n"}
    assert codes(check([project], CheckOptions(buffers=buffers))) == ["POL902"]
    assert codes(check([project])) == ["POL902"]


def test_rows_of_the_user_have_markers_of_their_own(project: Path) -> None:
    (project / "app.py").write_text(
        "from acme import get_engine\n\n\ndef f():\n    while True:\n        get_engine()\n"
    )
    assert codes(check([project])) == ["POL902"]
    (project / "mine.yaml").write_text("engine_factories:\n- {fqn: acme.get_engine}\n")
    (project / "pyproject.toml").write_text('[tool.poollint]\nmodels = ["mine.yaml"]\n')
    assert codes(check([project])) == ["POL103", "POL902"]


def test_a_wrong_selector_is_an_error_all_the_same(project: Path) -> None:
    with pytest.raises(CheckError, match="POL1O1"):
        check([project], CheckOptions(select=("POL1O1",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (False, False)),
        ("poollint = 'noqa'  # none", (False, False)),
        ("x  # noqa", (False, True)),
        ("x  # NOQA: E501", (False, True)),
        ("# flake8: noqa", (False, True)),
        ("x  #  PoolLint : Ignore[POL101]", (True, True)),
        ("x  # noqa\ny  #poollint: ignore[POL101]", (True, True)),
        ("x  #\u00a0poollint: ignore[POL101]", (True, True)),
    ],
)
def test_comments_are_seen_in_bytes(text: str, expected: tuple[bool, bool]) -> None:
    assert stamp(text.encode())[1:] == expected


def test_nothing_is_loaded_that_is_not_needed(project: Path) -> None:
    (project / "other.py").unlink()
    program = (
        "import sys; from poollint.frontends.cli import run; status = run(['check', '-q', '--exit-zero']);"
        "print(*(name for name in ('msgspec', 'yaml', 'poollint.program', 'poollint.facts') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_a_marker_that_means_nothing_alone(project: Path, unanalysed: None) -> None:
    (project / "app.py").write_text("csrf = object()\n\n\ndef make_app(app):\n    csrf.init_app(app)\n")
    assert codes(check([project])) == ["POL902"]
