"""Loading the knowledge: our YAML files and the user's, through the compiled form when there is one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.library.compiled import read_compiled, write_compiled
from poollint.library.errors import LibraryError
from poollint.library.index import Library, build_library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.library.model import LibraryFile

__all__ = ["Library", "LibraryError", "load_library"]


def load_library(models: Sequence[Path] = (), cache_directory: Path | None = None) -> Library:
    """Everything that poollint knows of libraries.

    `models` are the user's YAML files; they come after ours, and a row of theirs replaces ours of the same name (and
    form). With `cache_directory` the parsed result is kept there, keyed by the content of all files.

    Raises:
        LibraryError: a file cannot be read or is not valid; it names file, line and key.
    """
    ours = sorted(Path(__file__).parent.glob("*.yaml"))
    sources = [(path, _read(path)) for path in (*ours, *models)]
    digest = _digest(sources)
    files = read_compiled(cache_directory, digest) if cache_directory is not None else None
    if files is None:
        files = _parse(sources)
        if cache_directory is not None:
            write_compiled(cache_directory, digest, files)
    return build_library(files, digest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LibraryError(str(path), 1, "", f"cannot be read: {error.strerror or error}") from None


def _digest(sources: Sequence[tuple[Path, bytes]]) -> str:
    total = hashlib.sha256()
    for path, data in sources:
        total.update(f"{path.stem}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def _parse(sources: Sequence[tuple[Path, bytes]]) -> tuple[LibraryFile, ...]:
    from poollint.library.reading import read_library_file

    return tuple(read_library_file(data, str(path), path.stem) for path, data in sources)
