"""The hooks inside the real pre-commit, on a repository made for the test."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "connection-explosion"
REGISTRATION = "            future.add_done_callback(worker)\n"

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="pre-commit is not installed"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


class Ended(NamedTuple):
    """How a run of a hook ended."""

    status: int
    out: str


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the work tree now, as a repository that pre-commit can install from."""
    source = tmp_path_factory.mktemp("poollint")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    commit_all(source, git(source, "init", "-q"))
    return source


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shipped example in a repository of its own, committed without the registration that makes it harmful."""
    target = tmp_path / "shop"
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns(".poollint_cache", "__pycache__"))
    main = target / "main.py"
    main.write_text(main.read_text().replace(REGISTRATION, "            future.result()\n"))
    (target / "pyproject.toml").write_text('[tool.poollint]\nselect = ["POL1"]  # its session is another finding\n')
    commit_all(target, git(target, "init", "-q"))
    return target


def git(folder: Path, *arguments: str) -> str:
    """Run git with a name and an address of its own, away from the caller's repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    command = ["git", *identity, "-c", "core.hooksPath=", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def commit_all(folder: Path, _: str = "") -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "state")


def try_hook(hooks: Path, folder: Path, hook: str, *arguments: str) -> Ended:
    """Run `pre-commit try-repo` for one hook."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--verbose", "--color=never"]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=600
    )
    out = done.stdout + done.stderr
    if "No matching distribution found" in out or "Could not install packages" in out:
        pytest.skip("pre-commit cannot install packages here")
    return Ended(done.returncode, out)


def test_a_commit_that_only_adds_the_registration_fails(hooks: Path, shop: Path) -> None:
    main = shop / "main.py"
    main.write_text(main.read_text().replace("            future.result()\n", REGISTRATION))
    git(shop, "add", "main.py")
    ended = try_hook(hooks, shop, "poollint")
    assert ended.status == 1, ended.out
    assert "config/database.py:14:14: POL101" in ended.out
    assert "POL900" not in ended.out


def test_a_commit_elsewhere_passes_although_the_project_has_a_finding(hooks: Path, shop: Path) -> None:
    main = shop / "main.py"
    main.write_text(main.read_text().replace("            future.result()\n", REGISTRATION))
    (shop / "other.py").write_text("x = 1\n")
    git(shop, "add", "other.py", "main.py")
    git(shop, "commit", "-q", "-m", "registered")
    (shop / "other.py").write_text("x = 2\n")
    git(shop, "add", "other.py")
    assert try_hook(hooks, shop, "poollint").status == 0
    project = try_hook(hooks, shop, "poollint-project")
    assert project.status == 1, project.out
    assert "config/database.py:14:14: POL101" in project.out


def test_main_passes_as_long_as_it_registers_nothing(hooks: Path, shop: Path) -> None:
    ended = try_hook(hooks, shop, "poollint", "--files", "main.py", "app/worker.py")
    assert ended.status == 0, ended.out


def test_the_fixing_hook_mends_the_files_of_the_commit(hooks: Path, shop: Path) -> None:
    text = "from config.database import SessionLocal\n\n\ndef f():\n    with SessionLocal as session:\n        pass\n"
    imports = "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
    (shop / "config" / "database.py").write_text(
        f"{imports}SessionLocal = sessionmaker(create_engine('sqlite:///x'))\n"
    )
    (shop / "pyproject.toml").write_text('[tool.poollint]\nselect = ["POL219"]\n')
    for name in ("one.py", "two.py"):
        (shop / name).write_text(text)
    git(shop, "add", "-A")
    git(shop, "reset", "-q", "two.py")
    ended = try_hook(hooks, shop, "poollint-fix")
    assert ended.status == 1, ended.out
    assert "files were modified by this hook" in ended.out
    assert (shop / "one.py").read_text() == text.replace("SessionLocal as", "SessionLocal() as")
    assert (shop / "two.py").read_text() == text
    git(shop, "add", "one.py")
    assert try_hook(hooks, shop, "poollint-fix").status == 0


def test_the_hooks_are_declared_as_documented() -> None:
    declared = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert declared["poollint"]["entry"] == "poollint check --report touched"
    assert declared["poollint"]["require_serial"] is True
    assert declared["poollint"]["types"] == ["python"]
    assert declared["poollint-fix"]["entry"] == "poollint check --fix"
    assert declared["poollint-fix"]["require_serial"] is True
    assert declared["poollint-project"]["pass_filenames"] is False
    assert declared["poollint-project"]["always_run"] is True
