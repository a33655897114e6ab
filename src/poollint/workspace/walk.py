"""The walk over one root that makes a `Listing`."""

# ruff: noqa: PTH110, PTH116, PTH118, PTH120, PTH123
# (os.scandir and strings: a walk over 2,300 files takes several times as long with pathlib.)

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poollint.workspace.ignore import IgnoreFile, read_lines
from poollint.workspace.listing import (
    DANGLING_LINK,
    EXCLUDED,
    GITIGNORED,
    NESTED_ROOT,
    NEVER_READ,
    OUTSIDE_LINK,
    UNREADABLE,
    VIRTUAL_ENVIRONMENT,
    FileEntry,
    Listing,
    entry_of,
    stat_entry,
)
from poollint.workspace.manifests import manifests_among
from poollint.workspace.roots import MARKERS, PYPROJECT, RootFinder, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.config import Settings

NEVER_READ_FOLDERS = frozenset(
    {
        ".bzr",
        ".direnv",
        ".eggs",
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pants.d",
        ".poollint_cache",
        ".pyre",
        ".pytest_cache",
        ".pytype",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "__pypackages__",
        "node_modules",
        "site-packages",
        "dist-packages",
    }
)
GITIGNORE = ".gitignore"


class _IgnoreScope(NamedTuple):
    """An ignore file, and what to cut from or put before a root-relative path to get one that it speaks about."""

    ignore: IgnoreFile
    cut: int
    before: str


class Walk:
    """One walk over a root; the lists are sorted at the end, so that the order of the file system does not matter."""

    def __init__(self, root: str, settings: Settings, finder: RootFinder | None) -> None:
        self.root = root
        self.settings = settings
        self.finder = finder or RootFinder()
        self.own_root = self.finder.root_of_directory(root)
        self.own_root_is_marked = any(os.path.exists(os.path.join(self.own_root, marker)) for marker in MARKERS)
        self.exclude = IgnoreFile(settings.exclude) if settings.exclude else None
        self.files: list[FileEntry] = []
        self.manifests: list[FileEntry] = []
        self.notebooks: list[str] = []
        self.skipped: list[tuple[str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.directories: list[tuple[str, int]] = []
        self.watched: list[FileEntry] = []
        self.visited: set[tuple[int, int]] = set()
        self.real_root = os.path.realpath(root)

    def listing(self) -> Listing:
        taken_ns = time.time_ns()
        scopes = tuple(self._outer_scopes()) if self.settings.respect_gitignore else ()
        pending = [("", scopes)]
        while pending:
            pending.extend(self._walk_folder(*pending.pop()))
        return Listing(
            root=Path(self.root),
            files=tuple(sorted(self.files, key=_by_path)),
            manifests=tuple(sorted(self.manifests, key=_by_path)),
            notebooks=tuple(sorted(self.notebooks)),
            skipped=tuple(sorted(self.skipped)),
            links=tuple(sorted(self.links)),
            directories=tuple(sorted(self.directories)),
            watched=tuple(sorted(self.watched, key=_by_path)),
            taken_ns=taken_ns,
        )

    def _walk_folder(
        self, folder: str, scopes: tuple[_IgnoreScope, ...]
    ) -> Iterable[tuple[str, tuple[_IgnoreScope, ...]]]:
        absolute = os.path.join(self.root, folder) if folder else self.root
        try:
            # Before the scan: what changes during it makes the next comparison fail.
            status = os.stat(absolute)
            with os.scandir(absolute) as scan:
                entries = list(scan)
        except OSError:
            self.skipped.append((folder, UNREADABLE))
            return ()
        identity = (status.st_dev, status.st_ino)
        if identity in self.visited and status.st_ino:
            return ()
        self.visited.add(identity)
        self.directories.append((folder, status.st_mtime_ns))
        names = {entry.name for entry in entries}
        if folder and "pyvenv.cfg" in names:
            self.skipped.append((folder, VIRTUAL_ENVIRONMENT))
            return ()
        if folder and self._is_nested_root(folder, absolute, names):
            self.skipped.append((folder, NESTED_ROOT))
            return ()
        if GITIGNORE in names and self.settings.respect_gitignore:
            scopes = self._with_ignore_file(scopes, f"{folder}/{GITIGNORE}" if folder else GITIGNORE)
        prefix = f"{folder}/" if folder else ""
        manifests = manifests_among(folder, names)
        return [(path, scopes) for path in self._sort_entries(entries, prefix, scopes, manifests)]

    def _sort_entries(
        self, entries: list[os.DirEntry[str]], prefix: str, scopes: tuple[_IgnoreScope, ...], manifests: frozenset[str]
    ) -> Iterator[str]:
        """Put each entry into its list; yields the folders to walk."""
        for entry in entries:
            name = entry.name
            path = prefix + name
            try:
                if entry.is_symlink():
                    self._note_link(entry, path)
                    continue
                is_directory = entry.is_dir(follow_symlinks=False)
                if not is_directory and not name.endswith((".py", ".ipynb")) and name not in manifests:
                    continue
                if is_directory and name in NEVER_READ_FOLDERS:
                    self.skipped.append((path, NEVER_READ))
                    continue
                reason = self._left_out(path, name, is_directory, scopes)
                if reason is not None:
                    self.skipped.append((path, reason))
                elif is_directory:
                    yield path
                elif name.endswith(".ipynb"):
                    self.notebooks.append(path)
                else:
                    self._add_file(entry, path, self.manifests if name in manifests else self.files)
            except OSError:
                self.skipped.append((path, UNREADABLE))

    def _add_file(self, entry: os.DirEntry[str], path: str, files: list[FileEntry]) -> None:
        file = entry_of(path, entry.stat())
        if file is not None:
            files.append(file)

    def _note_link(self, entry: os.DirEntry[str], path: str) -> None:
        """Note down where a link leads; its target is read under its own path or not at all."""
        is_python = entry.name.endswith(".py")
        if not os.path.exists(entry.path):
            if is_python:
                self.skipped.append((path, DANGLING_LINK))
            return
        if not is_python and not entry.is_dir():
            return
        target = os.path.realpath(entry.path)
        if target == self.real_root or target.startswith(self.real_root.rstrip(os.sep) + os.sep):
            self.links.append((path, os.path.relpath(target, self.real_root).replace(os.sep, "/")))
        else:
            self.skipped.append((path, OUTSIDE_LINK))

    def _left_out(self, path: str, name: str, is_directory: bool, scopes: tuple[_IgnoreScope, ...]) -> str | None:
        if self.exclude is not None and self.exclude.decide(path, is_directory):
            return EXCLUDED
        for scope in reversed(scopes):
            decision = scope.ignore.decide(scope.before + path[scope.cut :], is_directory)
            if decision is not None:
                return GITIGNORED if decision else None
        return None

    def _is_nested_root(self, folder: str, absolute: str, names: set[str]) -> bool:
        if names.isdisjoint(MARKERS) and (self.own_root_is_marked or "__init__.py" in names):
            return False
        if PYPROJECT in names and (entry := stat_entry(Path(self.root), f"{folder}/{PYPROJECT}")) is not None:
            self.watched.append(entry)
        nested = self.finder.root_of_directory(absolute)
        return nested != self.own_root and not is_listed(self.root, absolute, self.settings.src)

    def _with_ignore_file(self, scopes: tuple[_IgnoreScope, ...], path: str) -> tuple[_IgnoreScope, ...]:
        ignore = self._read_ignore_file(path)
        return (*scopes, _IgnoreScope(ignore, len(path) - len(GITIGNORE), "")) if ignore else scopes

    def _read_ignore_file(self, path: str) -> IgnoreFile:
        entry = stat_entry(Path(self.root), path)
        if entry is None:
            return IgnoreFile(())
        self.watched.append(entry)
        try:
            with open(os.path.join(self.root, path), "rb") as stream:
                return IgnoreFile(read_lines(stream.read()))
        except OSError:
            return IgnoreFile(())

    def _outer_scopes(self) -> Iterator[_IgnoreScope]:
        """The ignore files above the root, up to the top of the git work tree, and .git/info/exclude: weakest first.

        None of them when they leave out the root itself: then the user asked for an ignored project.
        """
        above = [self.root]
        while not os.path.exists(os.path.join(above[-1], ".git")):
            parent = os.path.dirname(above[-1])
            if parent == above[-1]:
                return
            above.append(parent)
        top = above[-1]
        scopes: list[_IgnoreScope] = []
        for folder in reversed(above):
            before = os.path.relpath(self.root, folder).replace(os.sep, "/") + "/" if folder != self.root else ""
            sources = [".git/info/exclude"] if folder == top else []
            sources += [GITIGNORE] if folder != self.root else []
            for source in sources:
                relative = os.path.relpath(os.path.join(folder, source), self.root).replace(os.sep, "/")
                ignore = self._read_ignore_file(relative)
                if before and ignore.leaves_out(before.rstrip("/"), is_directory=True):
                    return
                if ignore:
                    scopes.append(_IgnoreScope(ignore, 0, before))
        yield from scopes


def _by_path(entry: FileEntry) -> str:
    return entry.path
