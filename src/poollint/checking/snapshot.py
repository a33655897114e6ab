"""What the files of a root looked like when they were analysed, and whether they still do.

Time stamps only spare reading a file again; what counts is the digest over all content. A snapshot is plain data: it
goes to JSON and back with the stored result.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from poollint.workspace.listing import FileEntry, Listing, is_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UNREADABLE = ""
"""The digest of a file that cannot be read."""
UNHASHED = "-"
"""The digest of a file, and of all content, of a program without markers: its result does not depend on them."""

_DIGITS = 32
"""Of a digest are kept."""

# In bytes, and so for any encoding that keeps ASCII: what is no ASCII may be white space.
_OWN_COMMENT = re.compile(rb"(?i)#[\s\x80-\xff]*poollint")
_NOQA_COMMENT = re.compile(rb"(?i)# (?:noqa|flake8)")


class Stamp(NamedTuple):
    """What is remembered of a file's content. `has_comments`: it may hold suppression comments of any kind."""

    digest: str
    has_own_comments: bool = False
    has_comments: bool = False


def stamp(data: bytes) -> Stamp:
    """The stamp of some content."""
    own = has_own_comments(data)
    return Stamp(digest_of_one(data), own, own or _NOQA_COMMENT.search(data) is not None)


def has_own_comments(data: bytes) -> bool:
    """Whether some content may hold suppression comments of ours."""
    return _OWN_COMMENT.search(data) is not None


def digest_of_one(data: bytes) -> str:
    """The digest of some content. No hash is faster where OpenSSL has the instructions of the processor for it."""
    return sha256(data, usedforsecurity=False).hexdigest()[:_DIGITS]


class Snapshot(NamedTuple):
    """A listing with the stamp of each of its .py files and manifests.

    `content` is the digest over all of them, `models` that over the user's rows of knowledge.
    """

    listing: Listing
    stamps: Mapping[str, Stamp]
    content: str
    models: str

    def same_content(self, other: Snapshot) -> bool:
        """Whether an analysis of `other` would find the same."""
        return (self.content, self.models) == (other.content, other.models)

    def unchanged_since(self, before: Snapshot) -> frozenset[str]:
        """The files whose content is that of an earlier snapshot."""
        return frozenset(
            path
            for path, known in self.stamps.items()
            if before.stamps.get(path) == known and known.digest != UNREADABLE
        )


def snapshot(listing: Listing, stamps: Mapping[str, Stamp], models: str) -> Snapshot:
    """The snapshot of a listing; `stamps` must hold all of its files. `models` is from `digest_of()`."""
    total = sha256(usedforsecurity=False)
    for entry in (*listing.files, *listing.manifests):
        total.update(f"{entry.path}\0{stamps[entry.path].digest}\0".encode("utf-8", "surrogateescape"))
    return Snapshot(listing, stamps, total.hexdigest()[:_DIGITS], models)


def digest_of(contents: Iterable[bytes]) -> str:
    """A digest over several contents in their order; "" when there are none."""
    return " ".join(map(digest_of_one, contents))


def known_stamps(before: Snapshot, listing: Listing) -> dict[str, Stamp]:
    """The stamps that still hold: of files that `stat` shows unchanged, and that were at rest when listed before."""
    old = {entry.path: entry for entry in (*before.listing.files, *before.listing.manifests)}
    taken = before.listing.taken_ns
    return {
        entry.path: before.stamps[entry.path]
        for entry in (*listing.files, *listing.manifests)
        if old.get(entry.path) == entry and is_settled(entry, taken) and before.stamps[entry.path].digest != UNREADABLE
    }


def encode(taken: Snapshot) -> dict[str, object]:
    """The snapshot as a JSON object. The root is left out: a project may be moved with its cache."""
    listing, stamps = taken.listing, taken.stamps
    return {
        "content": taken.content,
        "models": taken.models,
        "taken": listing.taken_ns,
        "files": [file_row(entry, stamps[entry.path]) for entry in listing.files],
        "manifests": [file_row(entry, stamps[entry.path]) for entry in listing.manifests],
        "watched": [entry_row(entry) for entry in listing.watched],
        "notebooks": listing.notebooks,
        "skipped": listing.skipped,
        "links": listing.links,
        "directories": listing.directories,
    }


def entry_row(entry: FileEntry) -> list[str | int]:
    """The fields of an entry."""
    return [entry.path, entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode]


def file_row(entry: FileEntry, of_content: Stamp) -> list[str | int]:
    """The fields of an entry and of its stamp."""
    return [*entry_row(entry), *of_content]


def decode(root: str, payload: Mapping[str, Any]) -> Snapshot:
    """The snapshot of `encode()`. Raises KeyError, TypeError or ValueError when the payload is something else."""
    files, manifests = payload["files"], payload["manifests"]
    listing = Listing(
        root=Path(root),
        files=tuple(FileEntry(*row[:5]) for row in files),
        manifests=tuple(FileEntry(*row[:5]) for row in manifests),
        notebooks=tuple(payload["notebooks"]),
        skipped=tuple((path, reason) for path, reason in payload["skipped"]),
        links=tuple((path, target) for path, target in payload["links"]),
        directories=tuple((path, mtime_ns) for path, mtime_ns in payload["directories"]),
        watched=tuple(FileEntry(*row) for row in payload["watched"]),
        taken_ns=payload["taken"],
    )
    stamps = {row[0]: Stamp(*row[5:]) for rows in (files, manifests) for row in rows}
    return Snapshot(listing, stamps, payload["content"], payload["models"])


def environment(package: str) -> str:
    """A digest of poollint itself and of the Python that runs it: a stored result of another one is of no use.

    `package` is the folder of the installed package. Its files are compared by name, size and time: a version
    number alone would hide an edit in a checkout.
    """
    import sys

    from poollint import __version__

    total = sha256(usedforsecurity=False)
    total.update(f"{__version__} {sys.version_info.major}.{sys.version_info.minor}".encode())
    for name, size, mtime_ns in package_files(package):
        total.update(f"{name} {size} {mtime_ns}\n".encode())
    return total.hexdigest()[:_DIGITS]


def package_files(package: str) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of each file of the installed package that matters; nothing when it lies in an archive."""
    pending = [package]
    while pending:
        try:
            with os.scandir(pending.pop()) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    pending.append(entry.path)
            elif entry.name.endswith((".py", ".yaml")):
                status = entry.stat()
                yield entry.name, status.st_size, status.st_mtime_ns
