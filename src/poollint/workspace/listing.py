"""The files of one root: one walk, and a cheap check whether anything moved since."""

# ruff: noqa: PTH100, PTH110, PTH116, PTH118, PTH120, PTH123
# (os.scandir and strings: a walk over 2,300 files takes several times as long with pathlib.)

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poollint.workspace.ignore import IgnoreFile, read_lines
from poollint.workspace.roots import MARKERS, PYPROJECT, RootFinder, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.config import Settings

EXCLUDED = "excluded"
GITIGNORED = "gitignored"
VIRTUAL_ENVIRONMENT = "virtual environment"
NEVER_READ = "never read"
OUTSIDE_LINK = "outside link"
DANGLING_LINK = "dangling link"
UNREADABLE = "unreadable"
NESTED_ROOT = "nested root"

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
MANIFESTS = (PYPROJECT, "setup.cfg")
GITIGNORE = ".gitignore"

SETTLED_NS = 2_000_000_000
"""A file changed within this time of the listing may change again without a new time stamp (coarse clocks)."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as `stat` saw it. `path` is relative to the root, with `/`; times are in nanoseconds."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a walk saw, each part sorted by path; paths are relative to `root`, with `/`.

    `files` are the .py files, `manifests` each pyproject.toml and setup.cfg, `notebooks` are seen and never read.
    `skipped` holds (path, reason). `links` holds (link, target) for links to places inside of the root: the target is
    read once, under its own path. `directories` holds each folder that was walked with its mtime; "" is the root.
    `watched` are further files that decided about the listing (ignore files, manifests of nested roots).
    `taken_ns` is the time at which the walk began.
    """

    root: Path
    files: tuple[FileEntry, ...]
    manifests: tuple[FileEntry, ...] = ()
    notebooks: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    directories: tuple[tuple[str, int], ...] = ()
    watched: tuple[FileEntry, ...] = ()
    taken_ns: int = 0

    def nested_roots(self) -> tuple[str, ...]:
        """The folders that are programs of their own."""
        return tuple(path for path, reason in self.skipped if reason == NESTED_ROOT)


class _IgnoreScope(NamedTuple):
    """An ignore file, and what to cut from or put before a root-relative path to get one that it speaks about."""

    ignore: IgnoreFile
    cut: int
    before: str


def list_files(root: Path, settings: Settings, finder: RootFinder | None = None) -> Listing:
    """Walk `root`. Never raises: what cannot be read is listed under `skipped`.

    Only `exclude`, `src` and `respect_gitignore` of the settings matter. Pass a `finder` to share what it remembers.
    """
    return _Walk(os.path.abspath(root), settings, finder or RootFinder()).listing()


def is_excluded(settings: Settings, path: str) -> bool:
    """Whether `exclude` names the root-relative `path` or a folder above it: then it is not read even when passed."""
    return bool(settings.exclude) and IgnoreFile(settings.exclude).leaves_out(path)


def stat_entry(root: Path, path: str) -> FileEntry | None:
    """The entry of one file as it is now, or None when there is no such regular file."""
    try:
        status = os.stat(os.path.join(root, path))
    except (OSError, ValueError):
        return None
    return _entry(path, status)


def is_settled(entry: FileEntry, taken_ns: int) -> bool:
    """Whether an unchanged `entry` proves unchanged content: it was at rest for two seconds when it was listed."""
    return max(entry.mtime_ns, entry.ctime_ns) + SETTLED_NS <= taken_ns


def listing_unchanged(listing: Listing) -> bool:
    """Whether a new walk would give the same listing and every file has the content it had: only `stat`, no walk.

    False when in doubt, so also for everything that was younger than two seconds at the time of the listing.
    """
    if not _structure_unchanged(listing):
        return False
    return all(
        is_settled(entry, listing.taken_ns) and stat_entry(listing.root, entry.path) == entry for entry in listing.files
    )


def refreshed(listing: Listing) -> Listing | None:
    """The listing with new file entries when only the content of .py files changed, None when a walk is needed."""
    taken_ns = time.time_ns()
    if not _structure_unchanged(listing):
        return None
    files = [stat_entry(listing.root, entry.path) for entry in listing.files]
    present = tuple(entry for entry in files if entry is not None)
    return replace(listing, files=present, taken_ns=taken_ns) if len(present) == len(files) else None


def _structure_unchanged(listing: Listing) -> bool:
    root = str(listing.root)
    for path, mtime_ns in listing.directories:
        try:
            now = os.stat(os.path.join(root, path)).st_mtime_ns
        except OSError:
            return False
        if now != mtime_ns or mtime_ns + SETTLED_NS > listing.taken_ns:
            return False
    return all(
        is_settled(entry, listing.taken_ns) and stat_entry(listing.root, entry.path) == entry
        for entry in (*listing.manifests, *listing.watched)
    )


class _Walk:
    """One walk over a root; the lists are sorted at the end, so that the order of the file system does not matter."""

    def __init__(self, root: str, settings: Settings, finder: RootFinder) -> None:
        self.root = root
        self.settings = settings
        self.finder = finder
        self.own_root = finder.root_of_directory(root)
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
        return [(path, scopes) for path in self._sort_entries(entries, prefix, scopes)]

    def _sort_entries(
        self, entries: list[os.DirEntry[str]], prefix: str, scopes: tuple[_IgnoreScope, ...]
    ) -> Iterator[str]:
        """Put each entry into its list; yields the folders to walk."""
        for entry in entries:
            name = entry.name
            path = prefix + name
            try:
                if entry.is_symlink() and not self._is_own_link(entry, path):
                    continue
                is_directory = entry.is_dir(follow_symlinks=False)
                if not is_directory and not name.endswith((".py", ".ipynb")) and name not in MANIFESTS:
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
                    self._add_file(entry, path)
            except OSError:
                self.skipped.append((path, UNREADABLE))

    def _add_file(self, entry: os.DirEntry[str], path: str) -> None:
        file = _entry(path, entry.stat())
        if file is None:
            return
        (self.manifests if entry.name in MANIFESTS else self.files).append(file)

    def _is_own_link(self, entry: os.DirEntry[str], path: str) -> bool:
        """Note down where a link leads. Always False: the target is read under its own path or not at all."""
        if not entry.is_dir() and not entry.name.endswith(".py"):
            if not os.path.exists(entry.path):
                self.skipped.append((path, DANGLING_LINK))
            return False
        target = os.path.realpath(entry.path)
        if target == self.real_root or target.startswith(self.real_root.rstrip(os.sep) + os.sep):
            self.links.append((path, os.path.relpath(target, self.real_root).replace(os.sep, "/")))
        else:
            self.skipped.append((path, OUTSIDE_LINK))
        return False

    def _left_out(self, path: str, name: str, is_directory: bool, scopes: tuple[_IgnoreScope, ...]) -> str | None:
        if self.exclude is not None and self.exclude.decide(path, name, is_directory):
            return EXCLUDED
        for scope in reversed(scopes):
            decision = scope.ignore.decide(scope.before + path[scope.cut :], name, is_directory)
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


def _entry(path: str, status: os.stat_result) -> FileEntry | None:
    from stat import S_ISREG

    if not S_ISREG(status.st_mode):
        return None
    return FileEntry(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _by_path(entry: FileEntry) -> str:
    return entry.path
