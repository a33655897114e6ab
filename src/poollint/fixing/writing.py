"""Writes mended files: each one is either the old or the new one at any moment, whatever happens to the process.

A new content goes into a temporary file beside the old one, onto the disk, and then takes its name. What a link points
to is written, not the link. Files of one fix are written together: an error or Ctrl-C leaves all of them old or all
new, and after a kill the next run tells what was pending.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.fixing import pending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FrameType

    from poollint.fixing.mending import Mended

SUFFIX = ".poollint-fix"


class CannotWrite(Exception):
    """A file stays as it is; the text says which and why."""


def reason_against(path: str) -> str:
    """Why a file must not be written; "" when it can be."""
    try:
        status = Path(path).stat()
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"
    # Renaming asks for no permission of the file, and root needs none, but whoever made it read-only meant it.
    if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(path, os.W_OK):
        return "the file is read-only"
    return "" if os.access(Path(path).parent, os.W_OK) else "the folder of the file is read-only"


def write(mended: Mended) -> list[str]:
    """Write what a run has mended; why files were not written."""
    failures = []
    roots = [Path(run.root) for run in mended.report.runs]
    remove_leftovers({Path(path).parent for path in mended.report.asked})
    in_sets = {path for paths in mended.together for path in paths}
    sets = [frozenset((path,)) for path in mended.after if path not in in_sets]
    for paths in sorted((*mended.together, *sets), key=sorted):
        after = {path: mended.after[path] for path in sorted(paths) if path in mended.after}
        before = {path: mended.before[path] for path in after}
        try:
            write_together(before, after, roots)
        except CannotWrite as error:
            failures.append(str(error))
    return failures


def write_together(before: Mapping[str, bytes], after: Mapping[str, bytes], roots: Iterable[Path]) -> None:
    """Write all of `after`, or nothing. Raises `CannotWrite`."""
    staged: dict[str, Path] = {}
    try:
        for path, data in after.items():
            staged[path] = stage(path, data)
        for path, data in before.items():
            require_unchanged(path, data)
        with interrupts_postponed():
            if len(after) == 1:
                take_names(staged, before)
            else:
                take_names_announced(staged, before, after, root_of(next(iter(after)), roots))
    except OSError as error:
        raise CannotWrite(
            f"{error.filename or ', '.join(after)}: cannot be written: {error.strerror or error}"
        ) from error
    finally:
        for temporary in staged.values():
            with suppress(OSError):
                temporary.unlink()


def stage(path: str, data: bytes) -> Path:
    """Write `data` to a file beside `path`, with its permissions; the path of that file. Raises OSError."""
    target = Path(path)
    status = target.stat()
    temporary = target.with_name(f".{target.name}.{os.getpid()}{SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(OSError, AttributeError):
            os.chown(temporary, status.st_uid, status.st_gid)
        temporary.chmod(stat.S_IMODE(status.st_mode))
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def require_unchanged(path: str, data: bytes) -> None:
    """Raises `CannotWrite` unless a file holds what was analysed."""
    if Path(path).read_bytes() != data:
        raise CannotWrite(f"{path}: not written, it has changed in the meantime")


def take_names(staged: Mapping[str, Path], before: Mapping[str, bytes]) -> None:
    """Put the staged files in place; when one cannot be, those before it get their old content back. Raises OSError."""
    done: list[str] = []
    try:
        for path, temporary in staged.items():
            temporary.replace(path)
            done.append(path)
            sync_folder(Path(path).parent)
    except OSError:
        for path in done:
            stage(path, before[path]).replace(path)
        raise


def take_names_announced(
    staged: Mapping[str, Path], before: Mapping[str, bytes], after: Mapping[str, bytes], root: Path
) -> None:
    """The same with a note in `root`, which stays when only some files could be written. Raises OSError."""
    pending.announce(root, before, after)
    try:
        take_names(staged, before)
    finally:
        if pending.unfinished(root) is None:
            pending.forget(root)


def sync_folder(folder: Path) -> None:
    """See to it that a new name survives a loss of power, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def interrupts_postponed() -> Iterator[None]:
    """Ctrl-C waits until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        seen.append(number)

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if seen:
            signal.raise_signal(signal.SIGINT)


def root_of(path: str, roots: Iterable[Path]) -> Path:
    """The innermost of `roots` that holds a file, its folder without one."""
    holding = [root for root in roots if root in Path(path).parents]
    return max(holding, key=lambda root: len(root.parts), default=Path(path).parent)


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove temporary files of processes that are gone."""
    for folder in folders:
        for leftover in folder.glob(f".*{SUFFIX}"):
            number = leftover.name.removesuffix(SUFFIX).rpartition(".")[2]
            if number.isdecimal() and not is_running(int(number)):
                with suppress(OSError):
                    leftover.unlink()


def is_running(process: int) -> bool:
    """Whether a process of this number exists."""
    if os.name == "nt":
        return True  # there, signal 0 is Ctrl-C
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
