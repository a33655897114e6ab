"""The cache folder of one root: named blobs, written atomically, ignored when damaged, never in anybody's way."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ".poollint_cache"
EXPIRES_AFTER_DAYS = 14

_MAGIC = b"poollint-cache 1\n"
_DIGEST_SIZE = 32
_HEADER_SIZE = len(_MAGIC) + _DIGEST_SIZE
_SECONDS_A_DAY = 86_400
_TEMPORARY = ".part"
_LOCK = ".lock"
_TAG_NAME = "CACHEDIR.TAG"
_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# This file marks a cache folder that poollint made; it can be deleted at any time.\n"
)
_KEPT = frozenset((_TAG_NAME, ".gitignore"))


class CacheDirectory:
    """`.poollint_cache/` below a root. The folder is made by the first write; where that fails nothing is kept.

    No method raises for what a file system can do to a cache.
    """

    __slots__ = ("_ready", "path")

    def __init__(self, root: Path) -> None:
        self.path = root / FOLDER
        self._ready: bool | None = None

    def read(self, name: str) -> bytes | None:
        """The payload written under `name`, or None when there is none, or not a whole one of this version."""
        file = self.path / name
        try:
            with file.open("rb") as stream:
                data = stream.read()
                written = os.fstat(stream.fileno()).st_mtime
        except (OSError, MemoryError):
            return None
        if len(data) < _HEADER_SIZE or not data.startswith(_MAGIC):
            return None
        payload = data[_HEADER_SIZE:]
        if _digest(payload) != data[len(_MAGIC) : _HEADER_SIZE]:
            return None
        if written < time.time() - _SECONDS_A_DAY:
            _mark_as_used(file)
        return payload

    def write(self, name: str, data: bytes) -> bool:
        """Keep `data` under `name`: readers see the old payload or the new one. False when it could not be kept."""
        if not self._prepare():
            return False
        temporary = self.path / f"{name}.{os.getpid()}.{time.monotonic_ns()}{_TEMPORARY}"
        try:
            with temporary.open("xb") as stream:
                stream.write(_MAGIC + _digest(data))
                stream.write(data)
            temporary.replace(self.path / name)
        except OSError:
            _remove(temporary)
            return False
        except BaseException:
            _remove(temporary)
            raise
        return True

    @contextmanager
    def lock(self, name: str, timeout: float = 10.0) -> Iterator[bool]:
        """Hold the lock `name` between processes; yields whether it is held after at most `timeout` seconds.

        Best effort: without a writable folder or without locks on this file system the block runs all the same. The
        system frees the lock when the process ends, however it ends.
        """
        descriptor = self._open_lock(name)
        held = descriptor is not None and _acquire(descriptor, timeout)
        try:
            yield held
        finally:
            if descriptor is not None:
                # Closing the file frees the lock.
                os.close(descriptor)

    def expire(self, days: float = EXPIRES_AFTER_DAYS) -> int:
        """Remove entries that nothing wrote or read for `days` (a day more or less); returns how many."""
        oldest = time.time() - days * _SECONDS_A_DAY
        removed = 0
        for file in self._files():
            try:
                if file.suffix != _LOCK and file.lstat().st_mtime < oldest:
                    removed += _remove(file)
            except OSError:
                continue
        return removed

    def clear(self) -> int:
        """Remove the folder with everything that poollint put there; returns the number of files removed."""
        removed = sum(_remove(file) for file in self._files())
        if removed or self._is_ours():
            _remove(self.path / ".gitignore")
            _remove(self.path / _TAG_NAME)
            with suppress(OSError):
                self.path.rmdir()
        self._ready = None
        return removed

    def _is_ours(self) -> bool:
        return not self.path.is_symlink() and (self.path / _TAG_NAME).is_file()

    def _files(self) -> list[Path]:
        """The files of the folder; none when it is not ours (no tag), so that no stranger's file is removed."""
        try:
            if not self._is_ours():
                return []
            return [file for file in self.path.iterdir() if file.name not in _KEPT and not file.is_dir()]
        except OSError:
            return []

    def _prepare(self) -> bool:
        """Make the folder and its two marker files; remembers a failure, so that a run tries once."""
        if self._ready is None:
            self._ready = self._make()
        return self._ready

    def _make(self) -> bool:
        try:
            # A link in somebody's repository must not lead our writes elsewhere.
            if self.path.is_symlink():
                return False
            self.path.mkdir(exist_ok=True)
            for name, text in ((_TAG_NAME, _TAG), (".gitignore", b"*\n")):
                marker = self.path / name
                if not marker.exists():
                    marker.write_bytes(text)
        except OSError:
            return False
        return True

    def _open_lock(self, name: str) -> int | None:
        if not self._prepare():
            return None
        try:
            return os.open(self.path / (name + _LOCK), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return None


def _digest(payload: bytes) -> bytes:
    from hashlib import sha256

    return sha256(payload).digest()


def _mark_as_used(file: Path) -> None:
    with suppress(OSError):
        os.utime(file)


def _remove(file: Path) -> bool:
    try:
        file.unlink()
    except OSError:
        return False
    return True


def _acquire(descriptor: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        answer = _try_lock(descriptor)
        if answer is not None:
            return answer
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _try_lock(descriptor: int) -> bool | None:
    """True when the lock is held now, None when another process has it, False when there are no locks here."""
    import sys

    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return None
        return True
    import errno
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EINTR) else False
    return True
