"""The compiled form of the knowledge: one msgpack file per digest, so that a warm start does not import yaml.

The file is a cache. One that is cut short, altered, of another poollint or of other YAML is ignored, and failing to
write it is no error.
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

_FORMAT = f"poollint library 1 {__version__}\n".encode()
_CHECKSUM_BYTES = 32


def compiled_path(cache_directory: Path, digest: str) -> Path:
    """Where the compiled form of the YAML with this digest lies."""
    return cache_directory / f"library-{digest[:16]}.msgpack"


def read_compiled(cache_directory: Path, digest: str) -> Tables | None:
    """The compiled tables, or None when there is no sound compiled form of exactly this YAML."""
    header = _FORMAT + bytes.fromhex(digest)
    try:
        data = compiled_path(cache_directory, digest).read_bytes()
    except OSError:
        return None
    start = len(header) + _CHECKSUM_BYTES
    if data[: len(header)] != header or data[len(header) : start] != hashlib.sha256(data[start:]).digest():
        return None
    try:
        return msgspec.msgpack.decode(data[start:], type=Tables)
    except msgspec.MsgspecError:
        return None


def write_compiled(cache_directory: Path, tables: Tables) -> None:
    """Write the compiled form through a temporary file, so that a reader never sees half of it."""
    digest = tables.digest
    payload = msgspec.msgpack.encode(tables)
    data = _FORMAT + bytes.fromhex(digest) + hashlib.sha256(payload).digest() + payload
    temporary = cache_directory / f".library-{digest[:16]}-{os.getpid()}.tmp"
    with suppress(OSError):
        try:
            cache_directory.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(compiled_path(cache_directory, digest))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
