"""Remove the cache of the project that each path belongs to.

Deleting `.poollint_cache` by hand does the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poollint.cache import CacheDirectory
from poollint.frontends.status import FAILED, FOUND_NOTHING
from poollint.workspace.listing import list_files
from poollint.workspace.roots import RootFinder

if TYPE_CHECKING:
    import argparse

    from poollint.frontends.terminal import Terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `poollint clean`."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and directories (default: .)")
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """`poollint clean`; the exit status."""
    finder = RootFinder()
    status = FOUND_NOTHING
    roots: set[Path] = set()
    for path in arguments.paths or ["."]:
        if Path(path).exists():
            roots |= {finder.root_of(Path(path).resolve()), *nested_roots(Path(path).resolve(), finder)}
        else:
            terminal.complain(f"{path}: no such file or directory")
            status = FAILED
    for root in sorted(roots):
        cache = CacheDirectory(root)
        existed = cache.path.exists()
        cache.clear()
        if existed and cache.path.exists():
            terminal.complain(f"{cache.path}: cannot be removed")
            status = FAILED
        elif existed and not arguments.quiet:
            terminal.note(f"removed {cache.path}")
    return status


def nested_roots(path: Path, finder: RootFinder) -> set[Path]:
    """The roots below a folder."""
    from poollint.config import Settings

    if not path.is_dir():
        return set()
    root = finder.root_of(path)
    nested = (root / folder for folder in list_files(root, Settings(), finder).nested_roots())
    return {folder for folder in nested if path in folder.parents}
