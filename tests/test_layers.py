"""The layers: imports go one way, nothing heavy is imported before it is needed, and modules stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import poollint

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(poollint.__file__).parent
REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "examples" / "connection-explosion"

LAYERS = (
    frozenset({"poollint", "findings", "cache", "config"}),
    frozenset({"source", "chunks", "workspace"}),
    frozenset({"suppress"}),
    frozenset({"facts"}),
    frozenset({"library"}),
    frozenset({"program"}),
    frozenset({"editing"}),
    frozenset({"rules"}),
    frozenset({"checking"}),
    frozenset({"check"}),
    frozenset({"fixing"}),
    frozenset({"output"}),
    frozenset({"frontends"}),
    frozenset({"__main__"}),
)
"""The modules and packages of poollint along the way of the data: each imports from its own layer and from above."""

LONGEST_MODULE = 400
"""In lines. The aim is 300 (CONTRIBUTING.md)."""
EVERYTHING_HEAVY = (
    "libcst",
    "dataclasses",
    "msgspec",
    "yaml",
    "packaging",
    "pathspec",
    "flake8",
    "poollint.program.sites",
    "poollint.program.versions",
    "poollint.library",
    "poollint.editing",
    "poollint.fixing.mending",
)


def level(part: str) -> int:
    """The layer that a part of poollint belongs to. Raises StopIteration for a part that is not listed."""
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def modules() -> list[str]:
    """All modules, as paths below src/poollint."""
    return sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def part_of(dotted: str) -> str:
    """The second segment of a dotted name, "poollint" for the package itself."""
    return dotted.split(".")[1] if "." in dotted else "poollint"


def imports(path: str) -> Iterator[tuple[int, str]]:
    """(line, part) for every import of poollint in a module, also those in functions and for types alone."""
    for node in ast.walk(ast.parse((SOURCE / path).read_bytes())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"poollint.{name.name}" for name in node.names] if node.module == "poollint" else [node.module]
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        else:
            continue
        for name in names:
            if name is not None and name.split(".")[0] == "poollint":
                part = part_of(name)
                yield node.lineno, part if any(part in parts for parts in LAYERS) else "poollint"


def test_every_part_has_a_layer() -> None:
    parts = {path.split("/")[0].removesuffix(".py") for path in modules()}
    listed = {part for parts in LAYERS for part in parts}
    assert {part if part != "__init__" else "poollint" for part in parts} == listed


@pytest.mark.parametrize("path", modules())
def test_imports_go_one_way(path: str) -> None:
    own = path.split("/")[0].removesuffix(".py")
    own_level = level("poollint" if own == "__init__" else own)
    against = [f"{path}:{line} imports {part}" for line, part in imports(path) if level(part) > own_level]
    assert not against, "\n".join(against)


def test_source_and_findings_stand_on_their_own() -> None:
    assert not list(imports("findings.py"))
    assert not list(imports("__init__.py"))


def test_output_knows_nothing_but_findings() -> None:
    seen = {part for path in modules() if path.startswith("output/") for _, part in imports(path)}
    assert seen <= {"findings", "output"}


def test_the_program_layer_reads_no_files() -> None:
    forbidden = {"os", "pathlib", "io", "shutil", "subprocess", "tempfile"}
    for path in (path for path in modules() if path.startswith("program/")):
        for node in ast.walk(ast.parse((SOURCE / path).read_bytes())):
            if isinstance(node, ast.Import):
                assert not forbidden & {name.name for name in node.names}, f"{path}:{node.lineno}"
            if isinstance(node, ast.ImportFrom) and node.module in forbidden:
                names = {name.name for name in node.names}
                assert names <= {"Path", "PurePath", "PurePosixPath"}, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", modules())
def test_modules_are_short(path: str) -> None:
    count = len((SOURCE / path).read_bytes().splitlines())
    assert count <= LONGEST_MODULE, f"{path}: {count} lines"


def imported_after(arguments: list[str], cwd: Path) -> tuple[int, set[str]]:
    """The exit status of a command line in an interpreter of its own, and the modules that it has imported by then."""
    program = (
        "import sys\n"
        "from poollint.frontends.cli import run\n"
        "status = run(sys.argv[1:])\n"
        "print('\\n'.join(['modules:', *sys.modules]))\n"
        "sys.exit(status)\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, set(done.stdout.split("modules:\n")[1].splitlines())


@pytest.fixture
def clean_project(tmp_path: Path) -> Path:
    """A program with one engine, made once, an ignore file and requirements."""
    (tmp_path / "pyproject.toml").write_text('[tool.poollint]\nexclude = ["old"]\n')
    (tmp_path / ".gitignore").write_text("build/\n*.gen.py\n")
    (tmp_path / "requirements.txt").write_text("sqlalchemy>=2.0\n")
    (tmp_path / "db.py").write_text("from sqlalchemy import create_engine\nengine = create_engine('sqlite://')\n")
    (tmp_path / "app.py").write_text("from db import engine\n\n\ndef f():\n    return engine.connect()\n")
    return tmp_path


def test_libcst_is_imported_for_findings_only(clean_project: Path) -> None:
    status, clean = imported_after(["check"], clean_project)
    assert (status, "libcst" in clean) == (0, False)
    (clean_project / "db.py").write_text(
        "from sqlalchemy import create_engine\n\n\ndef f(urls):\n    for url in urls:\n        e = create_engine(url)\n"
    )
    status, flagged = imported_after(["check"], clean_project)
    assert (status, "libcst" in flagged) == (1, True)


def test_the_rules_are_light() -> None:
    program = "import sys, poollint.rules.registry; sys.exit('libcst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("arguments", [["check"], ["check", "app.py"]])
def test_an_unchanged_tree_needs_nothing_heavy(clean_project: Path, arguments: list[str]) -> None:
    assert imported_after(arguments, clean_project)[0] == 0
    time.sleep(2.1)  # what is younger than two seconds is read again
    assert imported_after(arguments, clean_project)[0] == 0
    status, seen = imported_after(arguments, clean_project)
    assert status == 0
    assert not seen & set(EVERYTHING_HEAVY)


def test_the_version_needs_nothing() -> None:
    program = "import sys, poollint; sys.exit(len([m for m in sys.modules if m.startswith('poollint')]) - 1)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
