"""Loading the knowledge: our YAML files and the user's, through the compiled form when there is one."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.library.compiled import SHIPPED, compiled_path, read_compiled, write_compiled
from poollint.library.errors import LibraryError
from poollint.library.index import Library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.library.tables import Tables

__all__ = ["Library", "LibraryError", "load_library", "ship"]

_FOLDER = Path(__file__).parent
_COMPILER = ("aliases.py", "model.py", "pooling.py", "predicates.py", "reading.py", "tables.py", "words.py")
"""An edit of these makes a compiled form as stale as an edit of the YAML does."""


def load_library(models: Sequence[Path] = (), cache_directory: Path | None = None) -> Library:
    """Everything that poollint knows of libraries.

    `models` are the user's YAML files; they come after ours, and a row of theirs replaces ours of the same name (and
    form). The compiled form that was shipped with our files is used while it fits them; for everything else the parsed
    result is kept in `cache_directory`, keyed by the content of all files.

    Raises:
        LibraryError: a file cannot be read or is not valid; it names file, line and key.
    """
    sources = _own_sources() + [(path, _read(path)) for path in models]
    digest = _digest(sources)
    tables = read_compiled(_FOLDER / SHIPPED, digest) if not models else None
    if tables is None and cache_directory is not None:
        tables = read_compiled(compiled_path(cache_directory, digest), digest)
    if tables is None:
        tables = _compile(sources, digest)
        if cache_directory is not None:
            with suppress(OSError):
                write_compiled(compiled_path(cache_directory, digest), tables)
    return Library(tables)


def ship() -> Path:
    """Write the compiled form of our own files beside them, which the build does; the path. Raises OSError."""
    sources = _own_sources()
    path = _FOLDER / SHIPPED
    write_compiled(path, _compile(sources, _digest(sources)))
    return path


def _own_sources() -> list[tuple[Path, bytes]]:
    names = sorted(os.listdir(_FOLDER))  # noqa: PTH208 (4 x faster)
    return [(_FOLDER / name, _read(_FOLDER / name)) for name in names if name.endswith(".yaml")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LibraryError(str(path), 1, "", f"cannot be read: {error.strerror or error}") from None


def _digest(sources: Sequence[tuple[Path, bytes]]) -> str:
    total = hashlib.sha256()
    for name in _COMPILER:
        total.update(_read(_FOLDER / name))
    for path, data in sources:
        total.update(f"{path.stem}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def _compile(sources: Sequence[tuple[Path, bytes]], digest: str) -> Tables:
    from poollint.library.reading import read_library_file
    from poollint.library.tables import compile_tables

    return compile_tables([read_library_file(data, str(path), path.stem) for path, data in sources], digest)
