"""The compiled form of the knowledge, so that a start does not import yaml.

The build puts that of our own rows beside them; one with the user's rows, or of a checkout that was never built, goes
to the cache of the project. A file that is cut short, altered, of another poollint or of other YAML is ignored.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from poollint import __version__
from poollint.library.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = "compiled.msgpack"
"""The file beside our YAML."""

_FORMAT = f"poollint library 1 {__version__}\n".encode()
_CHECKSUM_BYTES = 32


def compiled_path(cache_directory: Path, digest: str) -> Path:
    """Where the compiled form of the YAML with this digest lies in the cache of a project."""
    return cache_directory / f"library-{digest[:16]}.msgpack"


def read_compiled(path: Path, digest: str) -> Tables | None:
    """The compiled tables, or None when the file is no sound compiled form of exactly this YAML."""
    header = _FORMAT + bytes.fromhex(digest)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(header) + _CHECKSUM_BYTES
    if data[: len(header)] != header or data[len(header) : start] != hashlib.sha256(data[start:]).digest():
        return None
    try:
        return msgspec.msgpack.decode(data[start:], type=Tables)
    except msgspec.MsgspecError:
        return None


def write_compiled(path: Path, tables: Tables) -> None:
    """Write the compiled form through a temporary file, so that a reader never sees half of it. Raises OSError."""
    payload = msgspec.msgpack.encode(tables)
    data = _FORMAT + bytes.fromhex(tables.digest) + hashlib.sha256(payload).digest() + payload
    temporary = path.with_name(f".{path.stem}-{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
