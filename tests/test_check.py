"""From verdicts to a report: roots, selection, scope, suppressions, fingerprints, and the stored results."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import fake_program
import pytest

from poollint.check import CheckError, CheckOptions, check
from poollint.checking.selection import RuleRow, UnknownSelector, choose, decide
from poollint.findings import Finding, Severity
from poollint.workspace import listing

ROWS = (RuleRow("POL101", True, "engine"), RuleRow("POL102", True, "engine"), RuleRow("POL113", False, ""))


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> fake_program.FakeProgram:
    return fake_program.install(monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A root that is at rest: what is written into it counts as old."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.poollint]\n")
    return root.resolve()


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


# ---------------------------------------------------------------------------------------------------- selection
def test_the_longest_selector_decides() -> None:
    chosen = choose(ROWS, ["POL1"], ["POL10"], ["POL102"])
    assert chosen.enabled == {"POL102", "POL113"}


def test_without_select_the_rules_that_are_on_by_default_run() -> None:
    chosen = choose(ROWS, [], [], [])
    assert chosen.enabled == {"POL101", "POL102"}
    assert not chosen.named


def test_all_names_every_rule() -> None:
    assert choose(ROWS, ["all"], [], []).named == {"POL101", "POL102", "POL113"}


def test_of_equally_long_selectors_leaving_out_wins() -> None:
    assert "POL101" not in choose(ROWS, ["POL101"], ["POL101"], []).enabled


def test_an_unknown_selector_names_the_nearest_rule() -> None:
    with pytest.raises(UnknownSelector, match=r"POL191.*nearest one is POL101"):
        choose(ROWS, ["POL191"], [], [])


# --------------------------------------------------------------------------------------------- what is reported
def test_a_finding_carries_everything(project: Path) -> None:
    write(project, app="import x\n\nengine = make(url)  # verdict: POL101 error high main.py:1\n", main="run()\n")
    (finding,) = check([project]).findings
    location = finding.location
    assert (location.line, location.column, location.end_line, location.end_column) == (3, 10, 3, 19)
    assert location.path == f"{project.as_posix()}/app.py"
    assert finding.name == "engine-per-call"
    assert finding.severity is Severity.ERROR
    assert finding.related[0].location.path.endswith("/main.py")
    assert finding.fix is not None
    assert len(finding.fingerprint) == 16


def test_columns_count_code_points(project: Path) -> None:
    write(project, app='größe = "ü"; engine = make()  # verdict: POL101 error high\n')
    assert check([project]).findings[0].location.column == 23


def test_one_verdict_speaks_for_a_site(project: Path) -> None:
    both = "e = make()  # verdict: POL102 warning high # verdict: POL101 error high\n"
    write(project, app=both)
    assert codes(check([project]).findings) == ["POL101"]
    assert codes(check([project], CheckOptions(ignore=("POL101",))).findings) == ["POL102"]


def test_a_remark_does_not_silence_a_warning(project: Path) -> None:
    write(project, app="e = make()  # verdict: POL101 info high # verdict: POL102 warning high\n")
    assert codes(check([project]).findings) == ["POL102"]
    assert codes(check([project], CheckOptions(select=("ALL",))).findings) == ["POL102"]


def test_informational_and_unsure_verdicts_are_counted_and_hidden(project: Path) -> None:
    write(project, a="e = make()  # verdict: POL101 info high\n", b="e = make()  # verdict: POL101 error low\n")
    report = check([project])
    assert (report.findings, report.hidden) == ((), 2)
    named = check([project], CheckOptions(extend_select=("POL101",)))
    assert (codes(named.findings), named.hidden) == (["POL101", "POL101"], 0)


def test_a_rule_that_is_off_is_neither_shown_nor_counted(project: Path) -> None:
    write(project, app="e = make()  # verdict: POL113 warning high\n")
    assert (check([project]).findings, check([project]).hidden) == ((), 0)
    assert codes(check([project], CheckOptions(extend_select=("POL113",))).findings) == ["POL113"]


def test_only_what_was_asked_for_is_reported(project: Path) -> None:
    write(project, a="e = make()  # verdict: POL101 error high\n", b="e = make()  # verdict: POL101 error high\n")
    whole = check([project]).findings
    assert check([project / "a.py"]).findings == whole[:1]
    assert check([project / "b.py", project / "a.py"]).findings == whole


def test_touched_reports_a_chain_that_begins_in_a_passed_file(project: Path) -> None:
    write(project, db="e = make()  # verdict: POL101 error high main.py:1\n", main="register()\n", other="pass\n")
    touched = CheckOptions(report="touched")
    assert codes(check([project / "main.py"], touched).findings) == ["POL101"]
    assert check([project / "main.py"]).findings == ()
    assert check([project / "other.py"], touched).findings == ()


def test_fail_on_counts(project: Path) -> None:
    write(project, a="e = make()  # verdict: POL101 warning high\n")
    assert check([project]).failing == 1
    assert check([project], CheckOptions(fail_on="error")).failing == 0


def test_per_file_ignores(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.poollint.per-file-ignores]\n"scripts/" = ["POL1"]\n')
    line = "e = make()  # verdict: POL101 error high\n"
    write(project, scripts__a=line, b=line)
    assert [Path(finding.location.path).name for finding in check([project]).findings] == ["b.py"]


def test_an_unknown_code_in_the_configuration_names_the_file(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.poollint]\nselect = ["POL1O1"]\n')
    with pytest.raises(CheckError, match=r"pyproject\.toml: no rule is called POL1O1; the nearest one is POL101"):
        check([project])


# ------------------------------------------------------------------------------------------------- suppressions
@pytest.mark.parametrize("comment", ["# noqa", "# noqa: POL101", "# noqa: POL1", "# poollint: ignore[POL101] why"])
def test_a_comment_suppresses(project: Path, comment: str) -> None:
    write(project, app=f"e = make()  {comment}  # verdict: POL101 error high\n")
    assert check([project]).findings == ()


def test_a_comment_for_another_code_does_not(project: Path) -> None:
    write(project, app="e = make()  # noqa: E501  # verdict: POL101 error high\n")
    assert codes(check([project]).findings) == ["POL101"]


def test_an_unused_suppression_is_reported(project: Path) -> None:
    write(project, app="e = 1  # poollint: ignore[POL101] old\n")
    (finding,) = check([project]).findings
    assert finding.code == "POL902"
    assert (finding.location.line, finding.location.column) == (1, 8)
    assert "POL101" in finding.message


def test_a_suppression_of_a_hidden_or_losing_verdict_is_used(project: Path) -> None:
    write(
        project,
        a="e = make()  # poollint: ignore[POL101] x  # verdict: POL101 info high\n",
        b="e = make()  # poollint: ignore[POL102] x  # verdict: POL101 info high # verdict: POL102 warning high\n",
    )
    assert codes(check([project]).findings) == []


def test_a_suppression_for_a_rule_that_is_not_enabled_is_not_unused(project: Path) -> None:
    write(project, app="e = 1  # poollint: ignore[POL113] old\n")
    assert check([project]).findings == ()
    assert codes(check([project], CheckOptions(select=("POL113", "POL902"))).findings) == ["POL902"]


def test_a_suppression_in_a_file_that_cannot_be_parsed_is_not_unused(project: Path) -> None:
    write(project, app="e = 1  # poollint: ignore[POL101] x\ndef f(:\n")
    assert codes(check([project]).findings) == ["POL901"]


def test_noqa_is_left_to_a_host_that_applies_it(project: Path) -> None:
    write(project, app="e = make()  # noqa  # verdict: POL101 error high\n")
    assert codes(check([project], CheckOptions(host_applies_noqa=True)).findings) == ["POL101"]


# ------------------------------------------------------------------------------------------------ fingerprints
def test_fingerprints_survive_moved_lines_and_tell_equals_apart(project: Path) -> None:
    line = "e = make()  # verdict: POL101 error high\n"
    write(project, app=line + line + "e = make(url)  # verdict: POL101 error high\n")
    before = [finding.fingerprint for finding in check([project]).findings]
    assert len(set(before)) == 3
    write(project, app="import os\n\n" + line + "\n" + line + "e = make(url)  # verdict: POL101 error high\n")
    assert [finding.fingerprint for finding in check([project]).findings] == before


def test_a_suppression_does_not_shift_the_fingerprints_of_equals(project: Path) -> None:
    line = "e = make()  # verdict: POL101 error high\n"
    write(project, app=line + line)
    second = check([project]).findings[1].fingerprint
    write(project, app="e = make()  # noqa  # verdict: POL101 error high\n" + line)
    assert [finding.fingerprint for finding in check([project]).findings] == [second]


# -------------------------------------------------------------------------------------------------- what is read
def test_a_syntax_error_is_a_finding(project: Path) -> None:
    write(project, app="def f(:\n")
    (finding,) = check([project], CheckOptions(select=("POL101",))).findings
    assert finding.code == "POL901"
    assert "Python 3." in finding.message
    assert check([project], CheckOptions(ignore=("POL901",))).findings == ()


def test_a_missing_path_is_a_failure_and_the_rest_is_checked(project: Path) -> None:
    write(project, app="e = make()  # verdict: POL101 error high\n")
    report = check([project / "missing.py", project / "app.py"])
    assert report.failures == (f"{project / 'missing.py'}: no such file or directory",)
    assert codes(report.findings) == ["POL101"]


def test_an_unreadable_file_is_a_failure_and_the_rest_is_checked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poollint.checking.sources import FileReader

    def read(self: FileReader, path: str) -> bytes:
        if path == "secret.py":
            raise PermissionError(13, "Permission denied")
        return (Path(self.root) / path).read_bytes()

    write(project, app="e = make()  # verdict: POL101 error high\n", secret="pass\n")
    monkeypatch.setattr(FileReader, "__call__", read)
    report = check([project])
    assert report.failures == (f"{project.as_posix()}/secret.py: cannot be read: Permission denied",)
    assert codes(report.findings) == ["POL101"]
    only = check([project / "app.py"])
    assert only.failures == ()
    assert len(only.notices) == 1


def test_excluded_files_are_not_read_even_when_passed(project: Path) -> None:
    write(project, build__a="e = make()  # verdict: POL101 error high\n")
    report = check([project / "build" / "a.py"], CheckOptions(exclude=("build/",)))
    assert (report.findings, report.failures) == ((), ())


def test_an_ignored_file_and_a_script_are_checked_when_passed(project: Path) -> None:
    line = "e = make()  # verdict: POL101 error high\n"
    write(project, generated=line)
    (project / ".gitignore").write_text("generated.py\n")
    (project / "tool").write_text(line)
    assert check([project]).findings == ()
    assert codes(check([project / "generated.py", project / "tool"]).findings) == ["POL101", "POL101"]


def test_nested_roots_are_checked_with_their_own_settings(project: Path) -> None:
    line = "e = make()  # verdict: POL101 error high\n"
    write(project, a=line, nested__b=line, nested__deep__c=line)
    (project / "nested" / "pyproject.toml").write_text('[tool.poollint]\nignore = ["POL101"]\n')
    (project / "nested" / "deep" / "pyproject.toml").write_text("[tool.poollint]\n")
    names = [Path(finding.location.path).name for finding in check([project]).findings]
    assert names == ["a.py", "c.py"]
    assert [Path(f.location.path).name for f in check([project / "nested"]).findings] == ["c.py"]


def test_a_link_is_checked_as_what_it_is(project: Path) -> None:
    write(project, real="e = make()  # verdict: POL101 error high\n")
    (project / "link.py").symlink_to("real.py")
    (finding,) = check([project / "link.py"]).findings
    assert finding.location.path.endswith("/real.py")


def test_a_folder_without_python_says_so(project: Path) -> None:
    assert "no Python files" in check([project]).notices[0]


# ------------------------------------------------------------------------------------------------------ buffers
def test_a_buffer_stands_in_for_its_file_and_is_not_stored(project: Path, fake: fake_program.FakeProgram) -> None:
    write(project, app="pass\n")
    secret = b"e = make()  # verdict: POL101 error high\n"
    buffered = CheckOptions(buffers={str(project / "app.py"): secret})
    assert codes(check([project / "app.py"], buffered).findings) == ["POL101"]
    assert check([project / "app.py"]).findings == ()
    stored = list((project / ".poollint_cache").rglob("*.json"))
    assert stored
    assert not any(b"make()" in path.read_bytes() for path in stored)


def test_a_buffer_equal_to_its_file_costs_nothing(project: Path, fake: fake_program.FakeProgram) -> None:
    write(project, app="pass\n")
    check([project])
    check([project / "app.py"], CheckOptions(buffers={str(project / "app.py"): b"pass\n"}))
    assert fake.analyses == 1


def test_a_new_buffer_is_part_of_the_program(project: Path) -> None:
    path = project / "new.py"
    options = CheckOptions(buffers={str(path): b"e = make()  # verdict: POL101 error high\n"})
    assert codes(check([path], options).findings) == ["POL101"]


def test_anonymous_text_is_a_program_of_its_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, app="e = make()  # verdict: POL101 error high\n")
    monkeypatch.chdir(project)
    text = b"\ne = make()  # verdict: POL102 warning high\n"
    (finding,) = check([], CheckOptions(anonymous=text)).findings
    assert (finding.code, finding.location.path) == ("POL102", f"{project.as_posix()}/stdin")


# ------------------------------------------------------------------------------------------------ stored results
def age(root: Path) -> None:
    """Make everything in a root look as if it had been at rest for a minute."""
    before = time.time() - 60
    for path in (root, *root.rglob("*")):
        if ".poollint_cache" not in path.parts:
            os.utime(path, (before, before))


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust time stamps at once; `ctime` cannot be set."""
    monkeypatch.setattr(listing, "SETTLED_NS", 0)


def test_nothing_changed_means_no_analysis(project: Path, fake: fake_program.FakeProgram) -> None:
    write(project, app="e = make()  # verdict: POL101 error high\n")
    first = check([project])
    assert check([project]).findings == first.findings
    assert check([project], CheckOptions(select=("POL101",))).findings == first.findings
    assert fake.analyses == 1


def test_when_all_is_at_rest_no_file_is_opened(
    project: Path, fake: fake_program.FakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poollint.checking import root_run

    settle(monkeypatch)
    write(project, app="e = 1\n")
    check([project])
    check([project])
    monkeypatch.setattr(root_run, "compared", lambda *_: pytest.fail("the files were looked at"))
    assert check([project / "app.py"]).findings == ()
    assert fake.analyses == 1


def test_new_content_means_a_new_analysis(project: Path, fake: fake_program.FakeProgram) -> None:
    write(project, app="e = 1\n")
    check([project])
    write(project, app="e = make()  # verdict: POL101 error high\n")
    assert codes(check([project]).findings) == ["POL101"]
    assert fake.analyses == 2


def test_touching_a_file_means_no_analysis(project: Path, fake: fake_program.FakeProgram) -> None:
    write(project, app="e = 1\n")
    check([project])
    age(project)
    check([project])
    assert fake.analyses == 1


@pytest.mark.parametrize("change", ["new file", "removed file", "renamed file", "manifest", "lock file", "setting"])
def test_what_else_means_a_new_analysis(project: Path, fake: fake_program.FakeProgram, change: str) -> None:
    write(project, app="e = 1\n", other="f = 1\n")
    check([project])
    if change == "new file":
        write(project, third="pass\n")
    elif change == "removed file":
        (project / "other.py").unlink()
    elif change == "renamed file":
        (project / "other.py").rename(project / "another.py")
    elif change == "manifest":
        (project / "setup.cfg").write_text("[metadata]\n")
    elif change == "lock file":
        (project / "uv.lock").write_text("version = 1\n")
    else:
        (project / "pyproject.toml").write_text('[tool.poollint]\nexclude = ["other.py"]\n')
    check([project])
    assert fake.analyses == 2


def test_marks_are_stored(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poollint.rules import marking

    write(project, app="e = make()  # verdict: POL101 error high\n")
    first = check([project])
    monkeypatch.setattr(marking, "mark", lambda *_: pytest.fail("marked again"))
    assert check([project]).findings == first.findings


def test_no_cache_writes_nothing(project: Path, fake: fake_program.FakeProgram) -> None:
    write(project, app="e = 1\n")
    options = CheckOptions(cache=False)
    check([project], options)
    check([project], options)
    assert fake.analyses == 2
    assert not (project / ".poollint_cache").exists()


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b"\x00\xff", b'{"schema": 1, "settings": {}, "snapshot": 3}'])
def test_a_damaged_entry_is_ignored(project: Path, fake: fake_program.FakeProgram, damage: bytes) -> None:
    from poollint.cache import CacheDirectory

    write(project, app="e = make()  # verdict: POL101 error high\n")
    expected = check([project]).findings
    (entry,) = (project / ".poollint_cache").glob("result-*.json")
    CacheDirectory(project).write(entry.name, damage)
    assert check([project]).findings == expected
    entry.write_bytes(damage)
    assert check([project]).findings == expected
    assert fake.analyses == 3


def test_an_entry_that_points_out_of_the_root_is_ignored(project: Path, fake: fake_program.FakeProgram) -> None:
    from poollint.cache import CacheDirectory

    write(project, app="e = make()  # verdict: POL101 error high\n")
    expected = check([project]).findings
    (entry,) = (project / ".poollint_cache").glob("result-*.json")
    data = CacheDirectory(project).read(entry.name) or b""
    payload = json.loads(data)
    payload["result"]["verdicts"][0][2][0] = "../../etc/passwd"
    CacheDirectory(project).write(entry.name, json.dumps(payload).encode())
    assert check([project]).findings == expected
    assert fake.analyses == 2


def test_a_moved_project_keeps_its_results(project: Path, fake: fake_program.FakeProgram, tmp_path: Path) -> None:
    write(project, app="e = make()  # verdict: POL101 error high\n")
    before = check([project]).findings
    moved = project.rename(tmp_path.resolve() / "moved")
    (after,) = check([moved]).findings
    assert after.location.path == f"{moved.as_posix()}/app.py"
    assert after.fingerprint == before[0].fingerprint
    assert fake.analyses == 1


def test_models_are_part_of_what_is_compared(project: Path, fake: fake_program.FakeProgram) -> None:
    (project / "pyproject.toml").write_text('[tool.poollint]\nmodels = ["my.yaml"]\n')
    (project / "my.yaml").write_text("version: 1\n")
    write(project, app="e = 1\n")
    check([project])
    check([project])
    assert fake.analyses == 1
    (project / "my.yaml").write_text("version: 1\nentrypoints: []\n")
    check([project])
    assert fake.analyses == 2
    (project / "my.yaml").unlink()
    with pytest.raises(CheckError, match=r"my\.yaml: cannot be read"):
        check([project])


def test_changed_models_are_seen_when_all_else_is_at_rest(
    project: Path, fake: fake_program.FakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    (project / "pyproject.toml").write_text('[tool.poollint]\nmodels = ["my.yaml"]\n')
    (project / "my.yaml").write_text("version: 1\n")
    write(project, app="e = 1\n")
    check([project])
    check([project])
    (project / "my.yaml").write_text("version: 1\nentrypoints: []\n")
    check([project])
    assert fake.analyses == 2


def test_the_stored_result_is_plain_json(project: Path) -> None:
    from poollint.cache import CacheDirectory

    write(project, app="e = make()  # verdict: POL101 error high\n")
    check([project])
    (entry,) = (project / ".poollint_cache").glob("result-*.json")
    payload = json.loads(CacheDirectory(project).read(entry.name) or b"")
    assert payload["snapshot"]["files"][0][0] == "app.py"


# --------------------------------------------------------------------------------------------- faults of a rule
def test_a_visitor_that_raises_costs_its_finding_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poollint.rules import marking

    def fail(*_: object) -> None:
        raise KeyError("x")

    write(project, app="e = make()  # verdict: POL101 error high\n")
    monkeypatch.setattr(marking, "mark", fail)
    findings = check([project], CheckOptions(cache=False)).findings
    assert codes(findings) == ["POL101", "POL900"]
    assert "POL101 failed here (KeyError)" in findings[1].message


def test_a_root_that_cannot_be_analysed_does_not_silence_the_others(
    project: Path, fake: fake_program.FakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poollint.checking import analysing

    def fail_there(root: str, *arguments: object) -> analysing.Analysed:
        if root.endswith("nested"):
            raise ZeroDivisionError
        return fake.analyse_root(root, *arguments)  # type: ignore[arg-type]

    line = "e = make()  # verdict: POL101 error high\n"
    write(project, a=line, nested__b=line)
    (project / "nested" / "pyproject.toml").write_text("[tool.poollint]\n")
    monkeypatch.setattr(analysing, "analyse_root", fail_there)
    report = check([project])
    assert codes(report.findings) == ["POL101"]
    assert len(report.failures) == 1
    assert "nested: internal error (ZeroDivisionError), please report it" in report.failures[0]


def test_decide_is_independent_of_order() -> None:
    text = "e = make()  # verdict: POL101 error high # verdict: POL102 warning high\n"
    verdicts = fake_program.verdicts_of("a.py", text)
    chosen = choose(ROWS, [], [], [])
    shown = {verdicts[index].code for index in decide(verdicts, chosen).shown}
    backwards = verdicts[::-1]
    assert {backwards[index].code for index in decide(backwards, chosen).shown} == shown == {"POL101"}
