"""Rounds of fixes: what is applied, what is held back and why, and that nothing is ever made worse."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import libcst as cst
import pytest
from harness import library_read_once
from msgspec.structs import replace

from poollint.check import CheckOptions
from poollint.editing.proposal import Proposal, Refusal
from poollint.findings import Applicability
from poollint.fixing.choosing import Candidate, compatible
from poollint.fixing.mending import Mended, connected, mend
from poollint.rules import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poollint.rules.mending import Fixer, FixTarget

DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)
"""
USER = """\
from sqlalchemy import text

from db import SessionLocal, engine


def one():
    with SessionLocal as session:
        session.execute(text("select 1"))


def two():
    with SessionLocal as session:
        session.execute(text("select 2"))


def three():
    with engine as connection:
        connection.execute(text("select 3"))
"""


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


def mended(*paths: str, unsafe: bool = False, select: tuple[str, ...] | None = None, **options: object) -> Mended:
    """What comes out for some paths."""
    chosen = CheckOptions(select=select, cache=False, **options)  # type: ignore[arg-type]
    return mend(paths or (".",), chosen, unsafe, lambda _path: "")


def fix_with(monkeypatch: pytest.MonkeyPatch, code: str, fixer: Fixer | None) -> None:
    """Let a rule have another fixer."""
    monkeypatch.setitem(registry._BY_CODE, code, replace(registry.rule(code), fixer=fixer))


def inserting(text: str, applicability: Applicability = Applicability.SAFE, group: str = "", where: str = "") -> Fixer:
    """A fixer that inserts `text` after what a with statement enters, in `where` too when it names another file."""

    def fixer(target: FixTarget) -> Proposal | Refusal:
        entered = target.node(cst.With)
        if entered is None:
            return Refusal("no with statement")
        edits = [target.tree.after(entered.items[0].item, text)]
        other = target.other(where) if where else None
        if other is not None:
            edits.append(other.insert(1, 1, "# seen\n"))
        return Proposal("Mend it", applicability, tuple(edits), group)

    return fixer


def test_safe_fixes_are_applied(project: Path) -> None:
    done = mended()
    assert [(each.location.line, each.code) for each in done.fixed] == [(7, "POL219"), (12, "POL219")]
    assert done.after == {f"{project}/app.py": USER.replace("with SessionLocal", "with SessionLocal()").encode()}
    assert done.before == {f"{project}/app.py": USER.encode()}
    assert [(each.finding.location.line, each.is_unsafe) for each in done.held_back] == [(17, True)]
    assert [each.location.line for each in done.report.findings] == [17]
    assert (project / "app.py").read_text() == USER


def test_unsafe_fixes_have_to_be_asked_for(project: Path) -> None:
    done = mended(unsafe=True)
    assert len(done.fixed) == 3
    assert done.report.findings == ()
    assert b"with engine.connect() as" in done.after[f"{project}/app.py"]


def test_files_that_were_not_passed_stay(project: Path) -> None:
    assert mended("db.py").after == {}


def test_suppressed_findings_stay(project: Path) -> None:
    text = USER.replace("as session:", "as session:  # noqa: POL219", 1)
    (project / "app.py").write_text(text)
    assert [each.location.line for each in mended().fixed] == [12]


def test_what_is_not_selected_stays(project: Path) -> None:
    assert mended(select=("POL1",)).after == {}


def test_a_fix_that_does_not_help_is_rolled_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "app.py").write_text(USER[: USER.index("\n\ndef three")])
    fix_with(monkeypatch, "POL219", inserting("  "))
    done = mended()
    assert done.after == {}
    assert {each.reason for each in done.held_back} == {"the finding would stay"}


def test_a_fix_that_breaks_the_file_is_rolled_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix_with(monkeypatch, "POL219", inserting("(("))
    done = mended()
    assert done.after == {}
    assert {each.reason for each in done.held_back} == {"the file could not be parsed afterwards"}


def test_syntax_that_older_pythons_lack_is_rolled_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix_with(monkeypatch, "POL219", inserting("() if (x := 1) else None"))
    assert {each.reason for each in mended().held_back} == {"the file could not be parsed afterwards"}
    (project / "app.py").write_text(f"if (y := 1):\n    pass\n{USER}")
    assert len(mended().fixed) > 0


def test_a_fix_that_brings_another_finding_is_rolled_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "    import sqlalchemy\n    while 1:\n        sqlalchemy.create_engine('x')\n"
    fix_with(monkeypatch, "POL219", inserting(f"() as made:\n        pass\n{loop}    with SessionLocal()"))
    done = mended()
    assert done.after == {}
    assert {each.reason for each in done.held_back} == {"it would bring POL103"}


def test_the_others_of_a_file_are_applied_when_one_does_harm(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def second_fails(target: FixTarget) -> Proposal | Refusal:
        return inserting("((" if target.location.line == 12 else "()")(target)

    (project / "app.py").write_text(USER + USER[USER.index("\n\ndef one") :].replace("def ", "def again_"))
    fix_with(monkeypatch, "POL219", second_fails)
    done = mended()
    assert [each.location.line for each in done.fixed] == [7, 17, 22, 27, 32]
    assert [each.finding.location.line for each in done.held_back] == [12]


def test_fixers_that_undo_each_other_end(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """POL216 makes a POL219 of its place and the other way round: neither is kept."""
    (project / "app.py").write_text(USER[: USER.index("\n\ndef two")])
    calls: list[str] = []

    def back_and_forth(target: FixTarget) -> Proposal | Refusal:
        calls.append(target.tree.source.text)
        return inserting("()" if "()()" in target.tree.source.text else " ")(target)

    fix_with(monkeypatch, "POL219", back_and_forth)
    assert mended().after == {}
    assert len(calls) < 10


def test_a_group_is_fixed_one_by_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def fixer(target: FixTarget) -> Proposal | Refusal:
        seen.append(target.tree.source.text)
        return inserting("()", group="names")(target)

    fix_with(monkeypatch, "POL219", fixer)
    assert len(mended().fixed) == 3
    assert len(set(seen)) == 3


def test_fixes_that_touch_wait_for_the_next_round(project: Path) -> None:
    found = [finding for finding in mended().fixed if finding.fix is not None]
    first = Candidate(found[0], found[0].fix)  # type: ignore[arg-type]
    second = Candidate(found[1], found[1].fix)  # type: ignore[arg-type]
    assert compatible([first, first, second]) == [first, second]


def test_a_fix_that_needs_a_file_that_was_not_passed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix_with(monkeypatch, "POL219", inserting("()", where="db.py"))
    done = mended("app.py")
    assert done.after == {}
    assert {each.reason for each in done.held_back} == {f"it also edits {project}/db.py, which was not passed"}


def test_a_fix_over_two_files_belongs_together(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix_with(monkeypatch, "POL219", inserting("()", where="db.py"))
    done = mended()
    assert set(done.after) == {f"{project}/app.py", f"{project}/db.py"}
    assert done.together == (frozenset(done.after),)


def test_files_that_cannot_be_written(project: Path) -> None:
    done = mend([project], CheckOptions(cache=False), True, lambda path: "read-only" if "app" in path else "")
    assert done.after == {}
    assert {each.reason for each in done.held_back} == {"read-only"}


@pytest.mark.parametrize("head", ["# Code generated by x. DO NOT EDIT.\n", "# fmt: off\n", "# @generated\n"])
def test_what_is_not_ours_to_edit(project: Path, head: str) -> None:
    (project / "app.py").write_text(head + USER)
    done = mended()
    assert done.after == {}
    assert len(done.held_back) == 3


def test_after_formatting_is_on_again(project: Path) -> None:
    (project / "app.py").write_text(f"# fmt: off\nx  =  1\n# fmt: on\n{USER}")
    assert len(mended().fixed) == 2


def test_a_fixer_that_fails_is_a_finding_and_no_crash(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(target: FixTarget) -> Proposal | Refusal:
        raise ValueError(target)

    fix_with(monkeypatch, "POL219", failing)
    done = mended()
    assert done.after == {}
    assert {each.code for each in done.report.findings} == {"POL219", "POL900"}


def test_a_fix_after_which_poollint_fails_is_rolled_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing_later(target: FixTarget) -> Proposal | Refusal:
        if "SessionLocal()" in target.tree.source.text:
            raise ValueError(target)
        return inserting("()")(target) if target.location.line == 7 else Refusal("later")

    fix_with(monkeypatch, "POL219", failing_later)
    done = mended()
    assert done.after == {}
    assert "poollint failed on the file afterwards" in {each.reason for each in done.held_back}


def test_an_analysis_that_fails_afterwards(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import poollint.checking.analysing

    real = poollint.checking.analysing.analyse_root
    seen: list[object] = []

    def failing_later(*arguments: object) -> object:
        seen.append(arguments)
        if len(seen) > 1:
            raise RuntimeError("broken")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(poollint.checking.analysing, "analyse_root", failing_later)
    done = mended()
    assert done.after == {}
    assert {each.reason for each in done.held_back} == {"unsafe", "the program could not be analysed afterwards"}


def test_a_buffer_is_mended_instead_of_the_file(project: Path) -> None:
    text = USER.replace("select 1", "select 9").encode()
    done = mended("app.py", buffers={f"{project}/app.py": text})
    assert done.after == {f"{project}/app.py": text.replace(b"with SessionLocal", b"with SessionLocal()")}


def test_source_without_a_file(project: Path) -> None:
    text = DATABASE + USER.replace("from db import SessionLocal, engine\n", "")
    done = mend([], CheckOptions(anonymous=text.encode()), True, lambda _path: "")
    assert len(done.fixed) == 3
    assert next(iter(done.after.values())).count(b"SessionLocal()") == 2


def test_nested_programs_are_mended_too(project: Path) -> None:
    nested = project / "services" / "one"
    nested.mkdir(parents=True)
    for name in ("pyproject.toml", "db.py", "app.py"):
        (nested / name).write_bytes((project / name).read_bytes())
    assert len(mended().fixed) == 4
    os.chdir(nested)
    assert len(mended().fixed) == 2


def test_sets_that_share_files_are_one() -> None:
    sets = [frozenset("ab"), frozenset("c"), frozenset("de"), frozenset("bd"), frozenset("fg")]
    assert connected(sets) == (frozenset("abde"), frozenset("fg"))


# ------------------------------------------------------------------------------------------------- unused imports
REGISTRIES = """\
{imported}

from db import SessionLocal


def one():
    with scoped_session(SessionLocal)() as session:
        return session.execute(text("select 1")).scalar()


def two():
    with scoped_session(SessionLocal)() as session:
        return session.execute(text("select 2")).scalar()
"""


@pytest.mark.parametrize(
    ("imported", "left"),
    [
        ("from sqlalchemy import text\nfrom sqlalchemy.orm import scoped_session", "from sqlalchemy import text"),
        ("from sqlalchemy import text\n\nfrom sqlalchemy.orm import scoped_session", "from sqlalchemy import text"),
        (
            "from sqlalchemy import text\nfrom sqlalchemy.orm import Session, scoped_session, sessionmaker",
            "from sqlalchemy import text\nfrom sqlalchemy.orm import Session, sessionmaker",
        ),
        (
            "from sqlalchemy import text\nfrom sqlalchemy.orm import (\n    Session,\n    scoped_session,\n)",
            "from sqlalchemy import text\nfrom sqlalchemy.orm import (\n    Session,\n)",
        ),
    ],
)
def test_imports_that_fixes_leave_unused_go_with_them(project: Path, imported: str, left: str) -> None:
    path = project / "registries.py"
    path.write_text(REGISTRIES.format(imported=imported))
    done = mended("registries.py", select=("POL303",))
    assert len(done.fixed) == 2
    expected = REGISTRIES.format(imported=left).replace("scoped_session(SessionLocal)()", "SessionLocal()")
    assert done.after[str(path)].decode() == expected


@pytest.mark.parametrize(
    "imported",
    [
        "from sqlalchemy import text\nfrom sqlalchemy.orm import scoped_session  # noqa: F401",
        "from sqlalchemy import text\nfrom sqlalchemy.orm import (\n    Session,  # for others\n    scoped_session,\n)",
        'from sqlalchemy import text\nfrom sqlalchemy.orm import scoped_session\n\n__all__ = ["one", "scoped_session"]',
        "from sqlalchemy import text\nif True:\n    from sqlalchemy.orm import scoped_session",
    ],
)
def test_imports_that_may_have_other_users_stay(project: Path, imported: str) -> None:
    path = project / "registries.py"
    path.write_text(REGISTRIES.format(imported=imported))
    done = mended("registries.py", select=("POL303",))
    assert len(done.fixed) == 2
    assert done.after[str(path)].decode().startswith(imported)


def test_imports_of_a_package_stay(project: Path) -> None:
    (project / "shop").mkdir()
    path = project / "shop" / "__init__.py"
    head = "from sqlalchemy import text\nfrom sqlalchemy.orm import scoped_session"
    path.write_text(REGISTRIES.format(imported=head))
    assert mended("shop", select=("POL303",)).after[str(path)].decode().startswith(head)


@pytest.mark.parametrize(
    "statement", ["from registries import one, scoped_session", "from .registries import (\n    scoped_session,\n)"]
)
def test_imports_that_another_file_takes_stay(project: Path, statement: str) -> None:
    path = project / "registries.py"
    head = "from sqlalchemy import text\nfrom sqlalchemy.orm import scoped_session"
    path.write_text(REGISTRIES.format(imported=head))
    (project / "other.py").write_text(f"{statement}\n")
    done = mended("registries.py", select=("POL303",))
    assert len(done.fixed) == 2
    assert done.after[str(path)].decode().startswith(head)
