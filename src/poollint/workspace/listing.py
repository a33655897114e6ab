"""The files of one root: one walk, and a cheap check whether anything moved since."""

# ruff: noqa: PTH100, PTH116, PTH118
# (os.scandir and strings: a walk over 2,300 files takes several times as long with pathlib.)

from __future__ import annotations

import os
import time
from pathlib import Path  # noqa: TC003  (who decodes a stored listing resolves the annotations)
from stat import S_ISREG
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from poollint.config import Settings
    from poollint.workspace.roots import RootFinder

EXCLUDED = "excluded"
GITIGNORED = "gitignored"
VIRTUAL_ENVIRONMENT = "virtual environment"
NEVER_READ = "never read"
OUTSIDE_LINK = "outside link"
DANGLING_LINK = "dangling link"
UNREADABLE = "unreadable"
NESTED_ROOT = "nested root"

SETTLED_NS = 2_000_000_000
"""A file changed within this time of the listing may change again without a new time stamp (coarse clocks)."""


class FileEntry(NamedTuple):
    """A file as `stat` saw it. `path` is relative to the root, with `/`; times are in nanoseconds."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Listing(NamedTuple):
    """Everything that a walk saw, each part sorted by path; paths are relative to `root`, with `/`.

    `files` are the .py files, `notebooks` are seen and never read. `manifests` are each pyproject.toml and setup.cfg,
    and the files near the root that name versions (`poollint.workspace.manifests`).
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


def list_files(root: Path, settings: Settings, finder: RootFinder | None = None) -> Listing:
    """Walk `root`. Never raises: what cannot be read is listed under `skipped`.

    Only `exclude`, `src` and `respect_gitignore` of the settings matter. Pass a `finder` to share what it remembers.
    """
    from poollint.workspace.walk import Walk

    return Walk(os.path.abspath(root), settings, finder).listing()


def is_excluded(settings: Settings, path: str) -> bool:
    """Whether `exclude` names the root-relative `path` or a folder above it: then it is not read even when passed."""
    if not settings.exclude:
        return False
    from poollint.workspace.ignore import IgnoreFile

    return IgnoreFile(settings.exclude).leaves_out(path)


def stat_entry(root: Path, path: str) -> FileEntry | None:
    """The entry of one file as it is now, or None when there is no such regular file."""
    try:
        status = os.stat(os.path.join(root, path))
    except (OSError, ValueError):
        return None
    return entry_of(path, status)


def is_settled(entry: FileEntry, taken_ns: int) -> bool:
    """Whether an unchanged `entry` proves unchanged content: it was at rest for two seconds when it was listed."""
    return max(entry.mtime_ns, entry.ctime_ns) + SETTLED_NS <= taken_ns


def listing_unchanged(listing: Listing) -> bool:
    """Whether a new walk would give the same listing and every file has the content it had: only `stat`, no walk.

    False when in doubt, so also for everything that was younger than two seconds at the time of the listing.
    """
    if not _structure_unchanged(listing):
        return False
    return _entries_unchanged(listing, listing.files)


def refreshed(listing: Listing) -> Listing | None:
    """The listing with new file entries when only the content of .py files changed, None when a walk is needed."""
    taken_ns = time.time_ns()
    if not _structure_unchanged(listing):
        return None
    files = [stat_entry(listing.root, entry.path) for entry in listing.files]
    present = tuple(entry for entry in files if entry is not None)
    return listing._replace(files=present, taken_ns=taken_ns) if len(present) == len(files) else None


def _structure_unchanged(listing: Listing) -> bool:
    root = str(listing.root)
    for path, mtime_ns in listing.directories:
        try:
            now = os.stat(os.path.join(root, path)).st_mtime_ns
        except OSError:
            return False
        if now != mtime_ns or mtime_ns + SETTLED_NS > listing.taken_ns:
            return False
    return _entries_unchanged(listing, (*listing.manifests, *listing.watched))


def _entries_unchanged(listing: Listing, entries: tuple[FileEntry, ...]) -> bool:
    prefix = os.path.join(listing.root, "")
    settled = listing.taken_ns - SETTLED_NS
    for entry in entries:
        try:
            status = os.stat(prefix + entry.path)
        except OSError:
            return False
        # Spelled out: this runs over every file of a project in each warm run.
        if (
            status.st_mtime_ns != entry.mtime_ns
            or status.st_size != entry.size
            or status.st_ctime_ns != entry.ctime_ns
            or status.st_ino != entry.inode
            or entry.mtime_ns > settled
            or entry.ctime_ns > settled
        ):
            return False
    return True


def entry_of(path: str, status: os.stat_result) -> FileEntry | None:
    """The entry of what `os.stat` answered about `path`, or None when it is no regular file."""
    if not S_ISREG(status.st_mode):
        return None
    return FileEntry(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
