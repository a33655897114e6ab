"""The pages of the rules: complete, up to date in RULES.md, and true when their examples are run."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from poollint.findings import RULES_URL, Finding, Location, Severity
from poollint.rules import pages
from poollint.rules.pages import SECTIONS, CodeBlock, PageError, code_blocks, page, rendered
from poollint.rules.registry import RULES, rule

ROOT = Path(__file__).parents[1]
CODES = [each.metadata.code for each in RULES]
JUDGED = [each.metadata.code for each in RULES if each.judge is not None]
EXECUTED = [*JUDGED, "POL902"]
PROSE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@pytest.mark.parametrize("code", CODES)
class TestEveryPage:
    def test_has_all_sections(self, code: str) -> None:
        parsed = page(rule(code))
        assert len(parsed.sections) == len(SECTIONS)
        assert all(parsed.sections)

    def test_its_python_parses(self, code: str) -> None:
        for block in blocks(code, "Example") + blocks(code, "Use instead"):
            ast.parse(block.code)

    def test_its_example_differs_from_its_cure(self, code: str) -> None:
        assert page(rule(code)).section("Example") != page(rule(code)).section("Use instead")

    def test_has_a_reference(self, code: str) -> None:
        assert re.search(r"^- \[.+\]\(https://[^)\s]+\)$", page(rule(code)).section("References"), re.MULTILINE)

    def test_lists_when_it_stays_quiet(self, code: str) -> None:
        if rule(code).judge is not None:
            assert re.search(r"^- ", page(rule(code)).section("When it stays quiet"), re.MULTILINE)

    def test_speaks_plainly(self, code: str) -> None:
        prose = PROSE.sub("", rule(code).page)
        assert not re.search(r"\b(should|simply|just|obviously|powerful|robust)\b", prose)

    def test_names_only_rules_that_exist(self, code: str) -> None:
        assert set(re.findall(r"POL\d{3}", rule(code).page)) <= set(CODES)

    def test_its_metadata_is_complete(self, code: str) -> None:
        metadata = rule(code).metadata
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", metadata.name)
        assert metadata.severity in ("error", "warning", "info")
        assert metadata.confidence in ("high", "medium", "low")
        assert metadata.fix in ("safe", "unsafe", "suggestion", "none")
        assert metadata.summary[0].isupper() or metadata.summary.startswith("dispose()")
        assert not metadata.summary.endswith(".")


@pytest.mark.parametrize("code", EXECUTED)
class TestExamplesRun:
    """At default settings, except that an informational or opt-in rule is selected by name."""

    def test_the_example_is_reported_under_its_code_alone(self, code: str, tmp_path: Path) -> None:
        select = () if code not in JUDGED else ("--select", code)
        assert {finding["code"] for finding in checked(tmp_path, blocks(code, "Example"), *select)} == {code}

    def test_the_cure_is_clean(self, code: str, tmp_path: Path) -> None:
        assert [finding["code"] for finding in checked(tmp_path, blocks(code, "Use instead"))] == []


class TestRendering:
    def test_rules_md_is_up_to_date(self) -> None:
        """Mended by `python -m poollint.rules.pages`."""
        assert (ROOT / "RULES.md").read_text(encoding="utf-8") == rendered()

    def test_the_url_of_a_finding_leads_to_a_heading(self) -> None:
        headings = {
            re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
            for title in re.findall(r"^## (.+)$", rendered(), re.MULTILINE)
        }
        for each in RULES:
            metadata = each.metadata
            finding = Finding(
                Location("a.py", 1, 1, 1, 2),
                metadata.code,
                metadata.name,
                "",
                Severity.INFO,
                confidence=None,  # type: ignore[arg-type]
            )
            assert finding.url.startswith(RULES_URL)
            assert finding.url.partition("#")[2] in headings

    def test_main_writes_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert pages.main() == 0
        assert (tmp_path / "RULES.md").read_bytes() == rendered().encode()


class TestParsing:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("## Why it is bad\n", ""),
            ("## Why it is bad\n", "## Why it is good\n"),
            ("## What it does\n", "Some words.\n\n## What it does\n"),
            ("## Use instead\n", "## Use instead\n\n## Use instead\n"),
        ],
    )
    def test_a_page_with_other_sections_is_an_error_that_names_the_rule(self, before: str, after: str) -> None:
        broken = replace(rule("POL101"), page=rule("POL101").page.replace(before, after))
        with pytest.raises(PageError, match="POL101"):
            page(broken)

    def test_an_empty_section_is_an_error(self) -> None:
        text = "".join(f"## {title}\n{'' if title == 'Fix safety' else 'words'}\n" for title in SECTIONS)
        with pytest.raises(PageError, match="Fix safety"):
            page(replace(rule("POL101"), page=text))

    def test_a_heading_inside_of_code_is_code(self) -> None:
        text = "".join(f"## {title}\n```python\n## not a heading\n```\n" for title in SECTIONS)
        assert page(replace(rule("POL101"), page=text)).section("Example") == "```python\n## not a heading\n```"

    def test_blocks_are_named_by_their_first_line(self) -> None:
        assert code_blocks("words\n```python\n# app/main.py\nx = 1\n```\n```toml\ny = 2\n```\n") == (
            CodeBlock("python", "app/main.py", "# app/main.py\nx = 1\n"),
            CodeBlock("toml", "example.py", "y = 2\n"),
        )


def blocks(code: str, section: str) -> tuple[CodeBlock, ...]:
    """The Python blocks of a section."""
    return tuple(block for block in code_blocks(page(rule(code)).section(section)) if block.language == "python")


def checked(folder: Path, files: tuple[CodeBlock, ...], *options: str) -> list[dict[str, object]]:
    """What the command line reports about a project of these files."""
    assert files
    (folder / "pyproject.toml").write_text('[project]\nname = "example"\nversion = "1"\n')
    for file in files:
        path = folder / file.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.code)
    command = [sys.executable, "-m", "poollint", "check", ".", "--output-format", "json", "--no-cache", *options]
    outcome = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert outcome.returncode in (0, 1), outcome.stderr
    found = json.loads(outcome.stdout)
    assert isinstance(found, list)
    return found
