"""The folders that a benchmark works on: copies, because poollint keeps its cache in the root it analyses."""

from __future__ import annotations

import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from measure import BenchmarkError

CACHE = ".poollint_cache"
DEFAULT_PACKAGES = ("apache-airflow-core", "mlflow", "optuna")


@dataclass(frozen=True, slots=True)
class Size:
    """How much Python there is."""

    files: int
    lines: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Workspace:
    """Copies of the same packages, one for each state of the cache, so that no subject disturbs another one.

    `cold` loses its cache before each run, `warm` is never changed, in `changed` one file gets a new line each time.
    """

    folder: Path
    packages: tuple[str, ...]

    @property
    def cold(self) -> Path:
        """The copy whose cache is removed before each run."""
        return self.folder / "cold"

    @property
    def warm(self) -> Path:
        """The copy whose cache is up to date."""
        return self.folder / "warm"

    @property
    def changed(self) -> Path:
        """The copy in which a file changes before each run."""
        return self.folder / "changed"

    @property
    def elsewhere(self) -> Path:
        """A tree without SQLAlchemy."""
        return self.folder / "standard-library"

    @property
    def empty(self) -> Path:
        """A project without files."""
        return self.folder / "empty"

    @property
    def everything(self) -> Path:
        """All packages of the corpus."""
        return self.folder / "everything"


def find_packages(corpus: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The folders `NAME-VERSION` (or `NAME`) of the corpus. Raises `BenchmarkError` naming the missing ones."""
    found, missing = [], []
    for name in names:
        candidates = [path for path in sorted(corpus.glob(f"{name}-[0-9]*")) if path.is_dir()]
        if (corpus / name).is_dir():
            candidates.append(corpus / name)
        if candidates:
            found.append(candidates[-1])
        else:
            missing.append(name)
    if missing:
        raise BenchmarkError(
            f"no {', '.join(missing)} in {corpus}: unpack the wheels there as NAME-VERSION/, each with an empty "
            f"pyproject.toml (python ../shared/corpus/corpus.py fetch --only {' '.join(missing)} does it), "
            "or name another folder with --corpus"
        )
    return tuple(found)


def make_workspace(folder: Path, packages: tuple[Path, ...]) -> Workspace:
    """Copy the packages, once for each state."""
    made = Workspace(folder, tuple(package.name for package in packages))
    for state in (made.cold, made.warm, made.changed):
        copy_packages(packages, state)
    return made


def copy_packages(packages: tuple[Path, ...], target: Path) -> None:
    """Copy packages without the caches that somebody left in them; each becomes a root of its own."""
    for package in packages:
        shutil.copytree(package, target / package.name, ignore=shutil.ignore_patterns(CACHE, "__pycache__"))
        (target / package.name / "pyproject.toml").touch()


def copy_standard_library(target: Path) -> None:
    """Copy the Python files of the interpreter's own library: much code, and no SQLAlchemy."""
    library = Path(sysconfig.get_path("stdlib"))

    def others(folder: str, names: list[str]) -> list[str]:
        places = Path(folder)
        kept = [name for name in names if name.endswith(".py") or (places / name).is_dir()]
        return [name for name in names if name not in kept or name in ("site-packages", "__pycache__")]

    shutil.copytree(library, target, ignore=others)
    (target / "pyproject.toml").touch()


def remove_caches(folder: Path) -> None:
    """Remove what poollint stored for the roots in a folder."""
    for root in folder.iterdir():
        if (root / CACHE).is_dir():
            shutil.rmtree(root / CACHE)


def size_of(folder: Path) -> Size:
    """Count the .py files of a folder."""
    files = lines = total = 0
    for path in folder.rglob("*.py"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        files, lines, total = files + 1, lines + data.count(b"\n"), total + len(data)
    return Size(files, lines, total)
