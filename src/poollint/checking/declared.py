"""Read the manifests and lock files of a root for the versions that its program runs on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.program.versions import versions_of
from poollint.workspace.manifests import tells_versions

if TYPE_CHECKING:
    from poollint.checking.sources import FileReader
    from poollint.config import Settings
    from poollint.program.versions import Versions
    from poollint.workspace.listing import Listing


def declared_versions(settings: Settings, listing: Listing, reader: FileReader) -> Versions:
    """The versions that the option or the files of a root name; a file that cannot be read counts as absent."""
    contents: dict[str, bytes] = {}
    for entry in listing.manifests:
        if tells_versions(entry.path):
            with suppress(OSError):
                contents[entry.path] = reader(entry.path)
    return versions_of(contents, settings.sqlalchemy_version, Path(settings.source).name)
