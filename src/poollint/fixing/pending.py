"""What a killed process leaves behind: a note of the files that belong to one fix, beside the half-written program."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poollint.fixing import PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Part(NamedTuple):
    """One file of a fix, by its absolute path, with the digests of its contents."""

    path: str
    old: str
    new: str


def digest(data: bytes) -> str:
    """A name for contents."""
    return hashlib.sha256(data).hexdigest()


def announce(root: Path, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Path:
    """Write the note about files with these contents, by absolute path; its path. Raises OSError."""
    parts = [Part(path, digest(before[path]), digest(after[path])) for path in sorted(after)]
    note = root / PENDING
    note.write_text(json.dumps({"files": parts}, indent=1) + "\n", encoding="utf-8")
    return note


def unfinished(root: Path) -> str | None:
    """What was pending in `root` when a process was killed, in words; None when all is old or all is new."""
    try:
        parts = [Part(*row) for row in json.loads((root / PENDING).read_text(encoding="utf-8"))["files"]]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    old: list[str] = []
    new: list[str] = []
    for part in parts:
        with suppress(OSError):
            found = digest(Path(part.path).read_bytes())
            (old if found == part.old else new if found == part.new else []).append(part.path)
    if not old or not new:
        return None
    return f"a fix was interrupted: {', '.join(new)} is written, {', '.join(old)} is not; look at both before you go on"


def forget(root: Path) -> None:
    """Remove the note."""
    with suppress(OSError):
        (root / PENDING).unlink()
