"""What is in the wheel and in the source archive, and that the metadata says what holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import poollint
from poollint.library.compiled import SHIPPED

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "poollint"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that pip builds from this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if "No matching distribution found" in done.stderr or "No module named pip" in done.stderr:
        pytest.skip("pip cannot install the build back end here")
    assert done.returncode == 0, done.stderr[-3000:]
    return zipfile.ZipFile(next(folder.glob("poollint-*.whl")))


@pytest.fixture(scope="module")
def declared() -> dict[str, object]:
    """The table `project` of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def test_the_wheel_holds_the_whole_package(wheel: zipfile.ZipFile) -> None:
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix in {".py", ".yaml", ".typed"}
    }
    assert "poollint/py.typed" in wanted
    assert "poollint/library/sqlalchemy.yaml" in wanted
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == wanted | {f"poollint/library/{SHIPPED}"}


def test_the_wheel_spares_its_users_the_parsing(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = (
        "import sys; from poollint.library import loader; assert loader.__file__.startswith(sys.argv[1]);"
        "assert loader.load_library().markers; sys.exit('yaml' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_wheel_declares_its_entry_points(wheel: zipfile.ZipFile) -> None:
    text = wheel.read(next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))).decode()
    assert "[console_scripts]\npoollint = poollint.__main__:main" in text
    assert "[flake8.extension]\nPOL = poollint.frontends.flake8:PoollintPlugin" in text


def test_the_wheel_has_the_metadata(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(
        wheel.read(next(name for name in wheel.namelist() if name.endswith("METADATA"))).decode()
    )
    assert metadata["Name"] == "poollint"
    assert metadata["Version"] == poollint.__version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    assert str(metadata.get_payload()).startswith("# poollint\n")
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_every_dependency_has_a_floor(declared: dict[str, object]) -> None:
    dependencies = declared["dependencies"]
    assert isinstance(dependencies, list)
    assert [text for text in dependencies if not re.match(r"[a-z0-9-]+>=\d", text)] == []


def test_the_running_python_is_declared(declared: dict[str, object]) -> None:
    running = f"Programming Language :: Python :: {sys.version_info.major}.{sys.version_info.minor}"
    assert running in declared["classifiers"]  # type: ignore[operator]


def test_the_changelog_speaks_of_this_version() -> None:
    assert f"## {poollint.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
