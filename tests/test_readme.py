"""What README.md and the other pages claim, compared with the code."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from poollint import config
from poollint.frontends.flake8 import PoollintPlugin
from poollint.output import FORMATS
from poollint.rules.registry import CODES

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/models.md", "examples/connection-explosion/README.md")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(text: str, title: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands(text: str) -> list[str]:
    """The shell blocks of a text."""
    return [block.strip() for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def test_generated_parts_are_up_to_date(readme: str, generator: ModuleType) -> None:
    assert set(re.findall(r"<!-- begin generated: (\S+) -->", readme)) == set(generator.PARTS)
    assert generator.rendered(readme) == readme, "run python docs/generate.py"


def test_it_opens_with_what_it_finds(readme: str) -> None:
    assert readme.index("<!-- begin generated: example -->") < readme.index("\n## ")


def test_there_are_two_set_up_commands(readme: str) -> None:
    found = commands(section(readme, "Set-up"))
    assert len(found) == 2
    assert [len(command.splitlines()) for command in found] == [1, 1]
    assert found[0].endswith("&& .venv/bin/poollint check examples/connection-explosion")
    assert ".venv/bin/pytest" in found[1]


def test_the_main_command_finds_what_the_page_shows(readme: str) -> None:
    last = shlex.split(commands(section(readme, "Set-up"))[0].split("&&")[-1])
    command = [sys.executable, "-m", "poollint", *last[1:], "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.count("\n") == 2
    assert all(line in readme for line in done.stdout.splitlines())


def test_the_configuration_table_has_every_key(readme: str) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", section(readme, "Configuration"), re.MULTILINE)
    assert rows == [key.name for key in config.SETTINGS_KEYS]


def test_the_configuration_example_is_valid(readme: str) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", section(readme, "Configuration"), re.MULTILINE | re.DOTALL)
    document = config.parse_toml(example.encode(), "README.md")
    settings = config.settings_from_table(document["tool"]["poollint"], "README.md")
    assert settings.exclude
    assert settings.per_file_ignores


def test_the_formats_that_can_be_configured_exist() -> None:
    assert set(config.OUTPUT_FORMATS) == set(FORMATS)


def test_the_rules_table_has_every_rule(readme: str) -> None:
    assert tuple(re.findall(r"^\| \[(POL\d+)\]", section(readme, "Rules"), re.MULTILINE)) == CODES


def test_the_flake8_options_are_named(readme: str) -> None:
    declared: list[str] = []

    class Manager:
        def add_option(self, *names: str, **_: Any) -> None:
            declared.extend(names)

    PoollintPlugin.add_options(Manager())
    assert sorted(set(re.findall(r"--poollint-[a-z-]+", readme))) == sorted(declared)


def test_the_commands_and_options_exist(readme: str) -> None:
    own = [*commands(section(readme, "Use")), *re.findall(r"`(poollint [a-z][^`]*)`", readme)]
    used = {line.split("#")[0].strip() for text in own for line in text.splitlines()}
    helps: dict[str, str] = {}
    for words in (shlex.split(line) for line in used if line.startswith("poollint ")):
        name = words[1]
        if name not in helps:
            asked = subprocess.run(
                [sys.executable, "-m", "poollint", name, "--help"], capture_output=True, text=True, check=False
            )
            assert asked.returncode == 0, name
            helps[name] = asked.stdout
        for option in (word for word in words if word.startswith("--")):
            assert option in helps[name], f"{name} {option}"


@pytest.mark.parametrize("page", PAGES)
def test_codes_are_those_of_rules(page: str) -> None:
    named = set(re.findall(r"\bPOL\d{3}\b", (ROOT / page).read_text(encoding="utf-8")))
    assert named <= set(CODES)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    file = ROOT / page
    for target in LINK.findall(file.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            linked = file.parent / path
            assert linked.exists(), target
            if anchor:
                assert f"\n## {anchor}\n" in linked.read_text(encoding="utf-8").lower(), target


@pytest.mark.parametrize("page", PAGES)
def test_pages_speak_plainly(page: str) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\"[^\"]*\"", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    words = r"\b(simply|just|obviously|powerful|robust|blazing\w*|easily|seamless\w*)\b"
    assert not re.findall(words, prose, re.IGNORECASE)
