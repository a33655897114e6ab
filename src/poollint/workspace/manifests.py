"""The files besides Python that tell something about a program: what it runs, and on which versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.config import PYPROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

SETUP_CFG = "setup.cfg"
PROJECT_FILES = frozenset({PYPROJECT, SETUP_CFG})
"""In any folder: they name console scripts."""
LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
"""At the root, in order of preference."""
REQUIREMENTS_FOLDER = "requirements"
DIST_INFO = ".dist-info"
DIST_INFO_FILE = "METADATA"


def manifests_among(folder: str, names: Iterable[str]) -> frozenset[str]:
    """Which of the names in a folder (root-relative) are manifests: those of `PROJECT_FILES`, and near the root more.

    Versions are read from lock and requirement files at the root and in requirements/, and from *.dist-info/METADATA.
    """
    if not folder:
        return PROJECT_FILES | {name for name in names if name in LOCK_FILES or _lists_requirements(name)}
    if folder == REQUIREMENTS_FOLDER:
        return PROJECT_FILES | {name for name in names if name.endswith(".txt")}
    if folder.endswith(DIST_INFO) and "/" not in folder:
        return PROJECT_FILES | {DIST_INFO_FILE}
    return PROJECT_FILES


def is_project_file(path: str) -> bool:
    """Whether a manifest is a pyproject.toml or setup.cfg."""
    return path.rpartition("/")[2] in PROJECT_FILES


def tells_versions(path: str) -> bool:
    """Whether a manifest tells versions: each of them but the project files below the root."""
    return "/" not in path or not is_project_file(path)


def _lists_requirements(name: str) -> bool:
    return name.endswith(".txt") and name.startswith(("requirements", "constraints"))
