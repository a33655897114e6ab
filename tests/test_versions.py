"""Which versions a program runs on: every kind of file, what wins over what, and that broken files are ignored."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import harness
import pytest

from poollint.check import CheckOptions, check
from poollint.checking.declared import declared_versions
from poollint.checking.sources import FileReader
from poollint.config import Settings
from poollint.program.declarations import poetry_specifier
from poollint.program.versions import UNDECLARED, Version, Versions, versions_of
from poollint.workspace.listing import list_files

if TYPE_CHECKING:
    from pathlib import Path

    from poollint.findings import Finding


def of(files: dict[str, str | bytes], option: str | None = None, source: str = "") -> Versions:
    """The versions that some files name."""
    data = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    return versions_of(data, option, source)


def sqlalchemy(files: dict[str, str | bytes]) -> tuple[int, ...]:
    return of(files).sqlalchemy.numbers


UV = """
version = 1
[[package]]
name = "alembic"
version = "1.13.0"
dependencies = [
    { name = "sqlalchemy" },
]

[[package]]
name = "sqlalchemy"
version = "2.0.30"
source = { registry = "https://example.org/simple" }

[package.optional-dependencies]
asyncio = [{ name = "greenlet" }]

[[package]]
name = "fastapi"
version = "0.110.1"
"""
POETRY = """
[[package]]
name = "SQLAlchemy"
version = "1.4.54"
description = "Database Abstraction Library"
optional = false

[package.dependencies]
greenlet = {version = "!=0.4.17", optional = true}

[[package]]
name = "flask_sqlalchemy"
version = "2.5.1"

[metadata]
lock-version = "2.0"
"""


class TestLockFiles:
    def test_uv(self) -> None:
        versions = of({"uv.lock": UV})
        assert versions.sqlalchemy == Version((2, 0, 30), "uv.lock")
        assert versions.fastapi == Version((0, 110, 1), "uv.lock")
        assert versions.flask_sqlalchemy == Version()

    def test_poetry(self) -> None:
        versions = of({"poetry.lock": POETRY})
        assert (versions.sqlalchemy.numbers, versions.flask_sqlalchemy.numbers) == ((1, 4, 54), (2, 5, 1))

    def test_pdm(self) -> None:
        text = (
            '[metadata]\nstrategy = []\n\n[[package]]\nname = "sqlalchemy"\nversion = "2.0.48"\nextras = ["asyncio"]\n'
        )
        assert sqlalchemy({"pdm.lock": text}) == (2, 0, 48)

    def test_pylock(self) -> None:
        text = 'lock-version = "1.0"\n[[packages]]\nname = "sqlalchemy"\nversion = "2.1.0b1"\n'
        assert sqlalchemy({"pylock.toml": text}) == (2, 1, 0)

    def test_pipenv(self) -> None:
        text = '{"default": {"sqlalchemy": {"version": "==1.4.50"}, "local": {"path": "."}}, "develop": 3}'
        assert sqlalchemy({"Pipfile.lock": text}) == (1, 4, 50)

    def test_an_installed_distribution(self) -> None:
        text = "Metadata-Version: 2.1\nName: SQLAlchemy\nVersion: 1.4.49\nRequires-Dist: greenlet\n\nName: no\n"
        assert sqlalchemy({"SQLAlchemy-1.4.49.dist-info/METADATA": text}) == (1, 4, 49)

    def test_the_highest_of_a_lock_that_forks(self) -> None:
        text = '[[package]]\nname = "sqlalchemy"\nversion = "{}"\n'
        assert sqlalchemy({"uv.lock": text.format("1.4.54") + text.format("2.0.40") + text.format("1.3.2")}) == (
            2,
            0,
            40,
        )

    def test_lock_files_have_an_order(self) -> None:
        assert sqlalchemy({"poetry.lock": POETRY, "uv.lock": UV}) == (2, 0, 30)

    def test_a_lock_file_wins_over_a_range(self) -> None:
        assert (
            sqlalchemy({"pyproject.toml": '[project]\ndependencies = ["sqlalchemy"]\n', "poetry.lock": POETRY})[0] == 1
        )


class TestManifests:
    def test_pyproject(self) -> None:
        text = (
            '[project]\ndependencies = ["SQLAlchemy[asyncio] >=1.4, <2.1", "fastapi~=0.110.0", "Flask_SQLAlchemy>=3"]\n'
        )
        versions = of({"pyproject.toml": text})
        assert versions.sqlalchemy.numbers == (2, 0)
        assert versions.sqlalchemy.source == "the newest that sqlalchemy>=1.4,<2.1 in pyproject.toml allows"
        assert versions.fastapi.numbers == (0, 110)
        assert versions.flask_sqlalchemy.numbers == (3, 1)

    def test_optional_dependencies_and_groups(self) -> None:
        text = '[project.optional-dependencies]\ndb = ["sqlalchemy<2"]\n'
        text += '[dependency-groups]\nnew = ["sqlalchemy<2.1", {include-group = "x"}]\n'
        assert sqlalchemy({"pyproject.toml": text}) == (2, 0)
        needed = '[project]\ndependencies = ["sqlalchemy<1.4"]\n'
        assert sqlalchemy({"pyproject.toml": needed + text}) == (1, 3)

    @pytest.mark.parametrize(
        ("value", "numbers"),
        [
            ('"^1.4"', (1, 4)),
            ('"^1.4.3 || ^2.0"', (2, 1)),
            ('{version = "~2.0.3", extras = ["asyncio"]}', (2, 0)),
            ('{version = "<2", optional = true}', (1, 4)),
            ('[{version = "^1.3", python = "<3.8"}, {version = "<2.1", python = ">=3.8"}]', (2, 0)),
            ('"1.4.50"', (1, 4, 50)),
            ('"*"', (2, 1)),
            ("3", (2,)),
        ],
    )
    def test_poetry(self, value: str, numbers: tuple[int, ...]) -> None:
        assert sqlalchemy({"pyproject.toml": f"[tool.poetry.dependencies]\nSQLAlchemy = {value}\n"}) == numbers

    def test_poetry_groups(self) -> None:
        text = '[tool.poetry.group.dev.dependencies]\nsqlalchemy = "^1.4"\n'
        text += '[tool.poetry.dev-dependencies]\nsqlalchemy = "^1.3"\n'
        assert sqlalchemy({"pyproject.toml": text}) == (1, 4)

    def test_setup_cfg(self) -> None:
        text = "[options]\ninstall_requires =\n    click\n    sqlalchemy>=1.3,<2  # old\n"
        text += "[options.extras_require]\nx = sqlalchemy\n"
        assert sqlalchemy({"setup.cfg": text}) == (1, 4)
        extras = "[options.extras_require]\ndb =\n    sqlalchemy<2.1; python_version > '3'\n100% = a%b\n"
        assert sqlalchemy({"setup.cfg": extras}) == (2, 0)

    def test_metadata(self) -> None:
        text = "Metadata-Version: 2.1\nName: app\nVersion: 1\nRequires-Dist: SQLAlchemy (<2,>=1.4)\n"
        text += "Requires-Dist: sqlalchemy>=2 ; extra == 'new'\n"
        text += 'Requires-Dist: fastapi<0.100 ; extra == "web"\n\nsqlalchemy\n'
        versions = of({"app-1.dist-info/METADATA": text})
        assert (versions.sqlalchemy.numbers, versions.fastapi.numbers) == ((1, 4), (0, 99))

    @pytest.mark.parametrize(
        ("line", "numbers"),
        [
            ("sqlalchemy==1.4.54 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def", (1, 4, 54)),
            ("  SQLAlchemy [mypy] == 2.0.30 # why", (2, 0, 30)),
            ("sqlalchemy", (2, 1)),
            ("sqlalchemy<2.0.40,>=1.4", (2, 0, 39)),
            ("sqlalchemy!=2.1.*", (2, 0)),
            ("sqlalchemy<=2.0.5", (2, 0, 5)),
            ("sqlalchemy~=1.4", (1, 4)),
            ("sqlalchemy>2.0,<3", (2, 1)),
            ("sqlalchemy>=2.4", (2, 4)),
            ("sqlalchemy<1", (2,)),
            ("sqlalchemy==2.0.0", (2, 0, 0)),
            ("sqlalchemy===weird", (2,)),
            ("sqlalchemy @ git+https://example.org/x.git", (2,)),
            ("# sqlalchemy==1.4\n-r sqlalchemy.txt\nsqlalchemy-utils==1.0\nsqlalchemy >>> 3", (2,)),
        ],
    )
    def test_requirement_lines(self, line: str, numbers: tuple[int, ...]) -> None:
        assert sqlalchemy({"requirements.txt": f"--index-url https://example.org\nclick==8\n{line}\n"}) == numbers

    def test_a_pinned_version_says_so(self) -> None:
        version = of({"requirements.txt": "sqlalchemy==1.4.54"}).sqlalchemy
        assert version.source == "sqlalchemy==1.4.54 in requirements.txt"

    def test_files_of_what_is_needed_hold_together(self) -> None:
        files = {"pyproject.toml": '[project]\ndependencies = ["sqlalchemy>=1.4"]\n', "constraints.txt": "sqlalchemy<2"}
        assert sqlalchemy(files) == (1, 4)
        assert sqlalchemy({"requirements.txt": "sqlalchemy>=2,<2.1", "constraints.txt": "sqlalchemy<2.0.40"}) == (
            2,
            0,
            39,
        )

    def test_files_for_development_count_where_the_others_are_silent(self) -> None:
        old = {"requirements-old.txt": "sqlalchemy<1.4", "requirements/dev.txt": "sqlalchemy<2"}
        assert sqlalchemy(old) == (1, 4)
        assert sqlalchemy({**old, "requirements/base.txt": "sqlalchemy<1.3"}) == (1, 2)

    def test_utf_16(self) -> None:
        assert sqlalchemy({"requirements.txt": "SQLAlchemy==1.4.0\r\n".encode("utf-16")}) == (1, 4, 0)


@pytest.mark.parametrize(
    "path",
    [
        *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "pyproject.toml", "setup.cfg"),
        *("requirements.txt", "requirements/base.txt", "constraints.txt", "a.dist-info/METADATA"),
    ],
)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"sqlalchemy",
        b"\xff\xfe\x00sqlalchemy",
        b"[project]\nsqlalchemy = [" + b"[" * 5000,
        b'{"default": ["sqlalchemy"]}',
        b'{"default": {"sqlalchemy": {"version": "==x"}}}',
        b'[project]\ndependencies = "sqlalchemy"\n[tool.poetry]\ndependencies = ["sqlalchemy"]\ngroup = 3\n',
        b'[project]\ndependencies = [3, "sqlalchemy ???"]\noptional-dependencies = {a = 3}\n[tool]\npoetry = 1\n',
        b'[[package]]\nname = "sqlalchemy"\n[[package]]\nname = "sqlalchemy"\nversion = "nine"\n',
        b"[options]\ninstall_requires = sqlalchemy ??\n[options]\n[options.extras_require]\nsqlalchemy\n",
        b"Name: sqlalchemy\nRequires-Dist:\n",
    ],
)
def test_broken_files_are_ignored(path: str, data: bytes) -> None:
    assert of({path: data}).sqlalchemy.numbers in ((2,), (2, 1))


def test_nothing_says_nothing() -> None:
    versions = of({})
    assert versions == UNDECLARED
    assert (str(versions.sqlalchemy), str(versions.fastapi)) == ("2.x", "unknown")


def test_the_option_wins() -> None:
    versions = of({"uv.lock": UV}, "1.4", "pyproject.toml")
    assert versions.sqlalchemy == Version((1, 4), "sqlalchemy-version in pyproject.toml")
    assert versions.fastapi.numbers == (0, 110, 1)


@pytest.mark.parametrize(
    ("numbers", "wanted", "at_least", "below"),
    [
        ((2, 0, 30), (2, 0), True, False),
        ((2, 0, 30), (2, 0, 47), False, True),
        ((2, 0), (2, 0, 47), False, False),
        ((1, 4), (2, 0), False, True),
        ((1, 4, 54), (2,), False, True),
        ((2,), (2, 0), True, False),
        ((2,), (2, 1), False, False),
        ((2, 1), (2, 1), True, False),
        ((2, 1), (2, 0, 47), True, False),
        ((), (1,), False, False),
    ],
)
def test_what_is_open_is_answered_with_no(
    numbers: tuple[int, ...], wanted: tuple[int, ...], at_least: bool, below: bool
) -> None:
    version = Version(numbers)
    assert (version.at_least(*wanted), version.below(*wanted)) == (at_least, below)


@pytest.mark.parametrize(
    ("constraint", "specifier"),
    [
        ("^1.4", ">=1.4,<2"),
        ("^0.110.2", ">=0.110.2,<0.111"),
        ("^0", ">=0,<1"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("~1", ">=1,<2"),
        ("~1.4.2", ">=1.4.2,<1.5"),
        ("~=1.4", "~=1.4"),
        ("1.4.*", "==1.4.*"),
        ("=1.4.5", "==1.4.5"),
        (">=1.4 <2.0", ">=1.4,<2.0"),
        (">= 1.4, < 2.0", ">= 1.4,< 2.0"),
        ("*", ""),
    ],
)
def test_constraints_of_poetry(constraint: str, specifier: str) -> None:
    assert poetry_specifier(constraint) == specifier


PROGRAM = """
from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def chained():
    return engine.connect().execute(text("select 1")).scalar()

def written():
    with engine.connect() as connection:
        connection.execute(text("delete from users"))

def session():
    session = SessionLocal()
    return session.execute(text("select 1")).scalar()

def begun():
    connection = engine.begin()
    connection.execute(text("select 1"))

app = FastAPI()

def get_db():
    with SessionLocal() as db:
        yield db

def job(db):
    db.execute(text("select 1"))

@app.post("/")
def start(tasks: BackgroundTasks, db=Depends(get_db)):
    tasks.add_task(job, db)
"""


def findings(root: Path, cache: bool = False) -> dict[str, Finding]:
    """What is found in a folder with PROGRAM, by code."""
    (root / "main.py").write_text(PROGRAM)
    with harness.library_read_once():
        report = check([str(root)], CheckOptions(select=("ALL",), cache=cache))
    assert not report.failures
    return {finding.code: finding for finding in report.findings}


@pytest.mark.parametrize(
    ("requirement", "chained", "written"),
    [
        ("sqlalchemy<2", "warning", "info"),
        ("sqlalchemy==2.0.30", "error", "error"),
        ("sqlalchemy", "error", "error"),
        ("click", "error", "error"),
    ],
)
def test_how_loud_a_finding_is(requirement: str, chained: str, written: str) -> None:
    with harness.neutral_folder() as root:
        (root / "requirements.txt").write_text(requirement)
        found = findings(root)
        assert (found["POL603"].severity.value, found["POL605"].severity.value) == (chained, written)
        assert ("breaks on upgrade" in found["POL605"].message) == (written == "info")


def test_what_no_exception_leaves_behind_is_freed_before_2_0() -> None:
    text = """
        from sqlalchemy import create_engine, inspect
        engine = create_engine("postgresql+psycopg2://app@db/app")

        def views():
            connection = engine.connect()
            try:
                return engine.dialect.get_view_names(connection=connection)
            except BaseException:
                return []
        """
    with harness.neutral_folder() as root:
        (root / "requirements.txt").write_text("sqlalchemy<2")
        (root / "main.py").write_text(textwrap.dedent(text))
        (found,) = harness.run([root], ("POL601",))
        assert found.severity.value == "warning"
        assert "it stays checked out from SQLAlchemy 2.0 on" in found.message
        (root / "requirements.txt").write_text("sqlalchemy<2.1")
        (found,) = harness.run([root], ("POL601",))
        assert "from SQLAlchemy 2.0 on" not in found.message


def test_begin_takes_a_connection_before_2_0() -> None:
    with harness.neutral_folder() as root:
        (root / "requirements.txt").write_text("sqlalchemy==1.4.54")
        found = findings(root)["POL607"]
        assert found.severity.value == "warning"
        assert found.message.startswith("engine.begin() takes a connection that no with block gives back")
        (root / "requirements.txt").write_text("sqlalchemy==2.0.54")
        found = findings(root)["POL607"]
        assert found.severity.value == "error"
        assert found.message.startswith("engine.begin() begins nothing")


@pytest.mark.parametrize(
    ("requirement", "severity"),
    [
        ("fastapi==0.105.0", "warning"),
        ("fastapi==0.106.0", "error"),
        ("fastapi<0.118", "error"),
        ("fastapi>=0.100", "warning"),
        ("flask", "warning"),
    ],
)
def test_a_session_that_is_closed_before_the_background_task(requirement: str, severity: str) -> None:
    with harness.neutral_folder() as root:
        (root / "requirements.txt").write_text(requirement)
        found = findings(root)["POL215"]
        assert found.severity.value == severity
        assert ("is closed before tasks.add_task() runs" in found.message) == (severity == "error")


def test_a_session_is_no_context_manager_before_1_4() -> None:
    with harness.neutral_folder() as root:
        (root / "setup.cfg").write_text("[options]\ninstall_requires = sqlalchemy<1.4\n")
        assert findings(root)["POL201"].message.endswith(": use contextlib.closing()")
        (root / "setup.cfg").write_text("[options]\ninstall_requires = sqlalchemy<2\n")
        assert findings(root)["POL201"].message.endswith(": use it in a with block")


def test_an_edited_lock_file_gives_a_fresh_answer() -> None:
    lock = '[[package]]\nname = "sqlalchemy"\nversion = "{}"\n'
    with harness.neutral_folder() as root:
        (root / "pyproject.toml").write_text("[tool.poollint]\n")
        (root / "uv.lock").write_text(lock.format("1.4.54"))
        assert findings(root, cache=True)["POL605"].severity.value == "info"
        assert findings(root, cache=True)["POL605"].severity.value == "info"
        (root / "uv.lock").write_text(lock.format("2.0.54"))
        assert findings(root, cache=True)["POL605"].severity.value == "error"
        (root / "uv.lock").unlink()
        (root / "requirements").mkdir()
        (root / "requirements" / "prod.txt").write_text("sqlalchemy~=1.4.0")
        assert findings(root, cache=True)["POL605"].severity.value == "info"


def test_a_file_that_cannot_be_read_counts_as_absent() -> None:
    with harness.neutral_folder() as root:
        (root / "requirements.txt").write_text("sqlalchemy<2")
        (root / "uv.lock").write_text("")
        listing = list_files(root, Settings())
        (root / "uv.lock").unlink()
        assert declared_versions(Settings(), listing, FileReader(str(root), {})).sqlalchemy.numbers == (1, 4)
