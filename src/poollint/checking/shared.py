"""What the roots of one run have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poollint.checking.options import CheckError, CheckOptions
from poollint.workspace.roots import RootFinder, is_project

if TYPE_CHECKING:
    from poollint.cache import CacheDirectory
    from poollint.library.loader import Library
    from poollint.program.analysis import ProgramResult


class Shared:
    """Options, what is known of roots, and the libraries: one lives as long as a run, or as a host's process.

    `latest` is the program that was analysed last. It is let go when the next one is begun: at the end of a run nothing
    is freed at all, which takes less time.
    """

    __slots__ = ("_libraries", "finder", "latest", "options")

    def __init__(self, options: CheckOptions) -> None:
        self.options = options
        self.finder = RootFinder()
        self.latest: ProgramResult | None = None
        self._libraries: dict[tuple[Path, ...], Library] = {}

    def library(self, models: tuple[Path, ...], cache_directory: Path | None) -> Library:
        """The knowledge, with the user's files, loaded once. Raises `CheckError` when one of them is not valid."""
        if models not in self._libraries:
            from poollint.library.loader import LibraryError, load_library

            try:
                self._libraries[models] = load_library(models, cache_directory)
            except LibraryError as error:
                raise CheckError(str(error)) from error
        return self._libraries[models]


def cache_of(root: str, options: CheckOptions) -> CacheDirectory | None:
    """The cache folder of a root; None when the run does without, or the root is no project to put a folder into."""
    if not options.cache or not is_project(root):
        return None
    from poollint.cache import CacheDirectory

    return CacheDirectory(Path(root))
