"""Which folder is the root of a file's program. The answer depends on the file alone, never on the arguments."""

# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH118, PTH120, PTH123
# (os.path on strings: this runs once a folder, and pathlib takes five times as long.)

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PYPROJECT = "pyproject.toml"
MARKERS = (PYPROJECT, "setup.cfg", "setup.py", ".git")


class ProjectFile(NamedTuple):
    """What one pyproject.toml says about roots. `sources` is its `[tool.poollint] src`."""

    configured: bool = False
    sources: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    excluded_members: tuple[str, ...] = ()


_SILENT = ProjectFile()


def root_of(path: Path) -> Path:
    """The root of one file or folder; see `RootFinder.root_of`."""
    return RootFinder().root_of(path)


class RootFinder:
    """Finds roots and remembers what it saw; one instance lives as long as one run."""

    __slots__ = ("_projects", "_roots")

    def __init__(self) -> None:
        self._roots: dict[str, str] = {}
        self._projects: dict[str, ProjectFile] = {}

    def root_of(self, path: Path) -> Path:
        """The root that `path` (a file, also one that does not exist yet, or a folder) belongs to, absolute.

        The nearest folder above whose pyproject.toml has `[tool.poollint]`; else a workspace root that names the
        file's folder as a member; else the nearest folder with pyproject.toml, setup.cfg, setup.py or .git; else the
        folder that the file's package is imported from.
        """
        absolute = os.path.abspath(path)
        return Path(self.root_of_directory(absolute if os.path.isdir(absolute) else os.path.dirname(absolute)))

    def root_of_directory(self, directory: str) -> str:
        """As `root_of`, for the absolute path of a folder."""
        root = self._roots.get(directory)
        if root is None:
            root = self._roots[directory] = self._find(directory)
        return root

    def _find(self, directory: str) -> str:
        return (
            self._configured_root(directory)
            or self._workspace_root(directory)
            or _marked_root(directory)
            or _package_root(directory)
        )

    def _configured_root(self, directory: str) -> str | None:
        found: str | None = None
        for ancestor in _upwards(directory):
            project = self._project(ancestor)
            if project.configured and (found is None or is_listed(ancestor, found, project.sources)):
                found = ancestor
        return found

    def _workspace_root(self, directory: str) -> str | None:
        for ancestor in _upwards(directory):
            project = self._project(ancestor)
            if project.members and _is_member(project, _relative(ancestor, directory)):
                return ancestor
        return None

    def _project(self, directory: str) -> ProjectFile:
        project = self._projects.get(directory)
        if project is None:
            project = self._projects[directory] = read_project(os.path.join(directory, PYPROJECT))
        return project


def read_project(path: str) -> ProjectFile:
    """What the pyproject.toml at `path` says about roots; an absent, unreadable or broken one says nothing.

    A broken file that holds the text `[tool.poollint` counts as configured, so that the error is reported when the
    settings are loaded instead of the settings being passed over.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return _SILENT
    if b"poollint" not in data and b"workspace" not in data:
        return _SILENT
    from poollint.config import ConfigError, parse_toml

    try:
        tool = parse_toml(data, path).get("tool")
    except ConfigError:
        return ProjectFile(configured=b"[tool.poollint" in data)
    if not isinstance(tool, dict):
        return _SILENT
    section = tool.get("poollint")
    members, excluded = _workspace_members(tool)
    sources = section.get("src") if isinstance(section, dict) else None
    return ProjectFile("poollint" in tool, _strings(sources), members, excluded)


def is_listed(root: str, directory: str, sources: tuple[str, ...]) -> bool:
    """Whether `src` of `root` takes the nested root `directory` in: it names the folder, or a folder inside of it."""
    for source in sources:
        named = os.path.normpath(os.path.join(root, source))
        if named != root and (named == directory or named.startswith(directory.rstrip(os.sep) + os.sep)):
            return True
    return False


def _workspace_members(tool: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    members: list[str] = []
    excluded: list[str] = []
    for table in _workspace_tables(tool):
        members.extend(_strings(table.get("members")))
        members.extend(_strings(table.get("include")))
        excluded.extend(_strings(table.get("exclude")))
    return tuple(members), tuple(excluded)


def _workspace_tables(tool: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The workspace tables of the tools that have them; Hatch keeps its own one in each environment."""
    holders = [tool.get(name) for name in ("uv", "rye", "hatch", "poetry", "pdm")]
    hatch = tool.get("hatch")
    environments = hatch.get("envs") if isinstance(hatch, dict) else None
    if isinstance(environments, dict):
        holders.extend(environments.values())
    for holder in holders:
        table = holder.get("workspace") if isinstance(holder, dict) else None
        if isinstance(table, dict):
            yield table


def _strings(value: object) -> tuple[str, ...]:
    """The strings of a list; Hatch also writes a member as a table with `path`."""
    if not isinstance(value, list):
        return ()
    items = (item.get("path") if isinstance(item, dict) else item for item in value)
    return tuple(item for item in items if isinstance(item, str))


def _is_member(project: ProjectFile, relative: str) -> bool:
    parts = [] if relative == "." else relative.split("/")
    heads = [parts[:depth] for depth in range(1, len(parts) + 1)]
    if any(_matches(pattern, head) for pattern in project.excluded_members for head in heads):
        return False
    return any(_matches(pattern, head) for pattern in project.members for head in heads)


def _matches(pattern: str, parts: list[str]) -> bool:
    from fnmatch import fnmatchcase

    segments = [segment for segment in pattern.replace("\\", "/").split("/") if segment not in ("", ".")]

    def matches_from(segment: int, part: int) -> bool:
        if segment == len(segments):
            return part == len(parts)
        if segments[segment] == "**":
            return any(matches_from(segment + 1, following) for following in range(part, len(parts) + 1))
        return part < len(parts) and fnmatchcase(parts[part], segments[segment]) and matches_from(segment + 1, part + 1)

    return matches_from(0, 0)


def is_project(root: str) -> bool:
    """Whether a root is a project, by a marker or by a package right below it: /etc around a lone file is none."""
    if _is_marked(root):
        return True
    try:
        with os.scandir(root) as entries:
            return any(os.path.isfile(os.path.join(each.path, "__init__.py")) for each in entries if each.is_dir())
    except OSError:
        return False


def _is_marked(directory: str) -> bool:
    return any(os.path.exists(os.path.join(directory, marker)) for marker in MARKERS)


def _marked_root(directory: str) -> str | None:
    return next((ancestor for ancestor in _upwards(directory) if _is_marked(ancestor)), None)


def _package_root(directory: str) -> str:
    """The folder that the package holding `directory` is imported from; `directory` itself outside of packages."""
    for ancestor in _upwards(directory):
        if not os.path.isfile(os.path.join(ancestor, "__init__.py")):
            return ancestor
    return directory


def _upwards(directory: str) -> Iterator[str]:
    yield directory
    while (parent := os.path.dirname(directory)) != directory:
        directory = parent
        yield directory


def _relative(root: str, directory: str) -> str:
    return os.path.relpath(directory, root).replace(os.sep, "/")
