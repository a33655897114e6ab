"""`poollint check --show-files` and `--show-settings`: what a check would look at, without checking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.checking.declared import declared_versions
from poollint.checking.options import settings_for
from poollint.checking.sources import FileReader
from poollint.config import SETTINGS_KEYS, ConfigError
from poollint.findings import relative_path
from poollint.frontends.status import FAILED, FOUND_NOTHING, UsageError
from poollint.output.style import printable
from poollint.workspace.listing import list_files
from poollint.workspace.roots import RootFinder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from poollint.checking.options import CheckOptions
    from poollint.config import Settings
    from poollint.frontends.terminal import Terminal
    from poollint.workspace.listing import Listing


def show(arguments: argparse.Namespace, paths: Sequence[str], options: CheckOptions, terminal: Terminal) -> int:
    """Print the files, the settings, or both, of the roots of `paths`."""
    missing = [path for path in paths if not Path(path).exists() and not options.buffers]
    for path in missing:
        terminal.complain(f"{path}: no such file or directory")
    for root in roots(paths, options):
        settings = usable_settings(root, options)
        terminal.write(f"root {relative_path(root.as_posix(), Path.cwd())}\n")
        if arguments.show_settings:
            terminal.write(
                "".join(f"  {line}\n" for line in (*setting_lines(settings), *version_lines(root, settings)))
            )
        if arguments.show_files:
            listing = list_files(root, settings)
            terminal.write("".join(f"  {line}\n" for line in file_lines(listing, paths)))
    return FAILED if missing else FOUND_NOTHING


def roots(paths: Sequence[str], options: CheckOptions) -> list[Path]:
    """The roots of the paths, and the nested ones below those that are folders."""
    finder = RootFinder()
    found: set[Path] = set()
    pending = [Path(os.path.realpath(path)) for path in paths if Path(path).exists() or options.buffers]
    while pending:
        path = pending.pop()
        root = finder.root_of(path)
        found.add(root)
        if path.is_dir():
            nested = list_files(root, usable_settings(root, options), finder).nested_roots()
            pending += [root / folder for folder in nested if path in (root / folder).parents]
    return sorted(found)


def usable_settings(root: Path, options: CheckOptions) -> Settings:
    """The settings of a root. Raises `UsageError` when they cannot be used."""
    try:
        return settings_for(root, options)
    except ConfigError as error:
        raise UsageError(str(error)) from error


def setting_lines(settings: Settings) -> Iterator[str]:
    """One line a setting, as it would stand in a configuration file, and where the values come from."""
    yield f"# from {printable(settings.source) or 'the defaults'}"
    for key in SETTINGS_KEYS:
        value = getattr(settings, key.attribute)
        if value is not None:
            yield f"{key.name} = {as_toml(value)}"


def version_lines(root: Path, settings: Settings) -> Iterator[str]:
    """One comment a library: the version that the program of the root runs on, and why."""
    versions = declared_versions(settings, list_files(root, settings), FileReader(str(root), {}))
    yield f"# SQLAlchemy {versions.sqlalchemy}: {printable(versions.sqlalchemy.source)}"
    yield f"# FastAPI {versions.fastapi}: {printable(versions.fastapi.source)}"
    yield f"# Flask-SQLAlchemy {versions.flask_sqlalchemy}: {printable(versions.flask_sqlalchemy.source)}"


def as_toml(value: object) -> str:
    """A value as TOML writes it."""
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return "{ " + ", ".join(f"{json.dumps(key)} = {as_toml(item)}" for key, item in value) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return json.dumps(value)


def file_lines(listing: Listing, paths: Sequence[str]) -> Iterator[str]:
    """One line a file or folder below `paths`: the path, and why it is not read when it is not."""
    rows = [(entry.path, "") for entry in listing.files]
    rows += [(path, "notebooks are not read") for path in listing.notebooks]
    rows += list(listing.skipped)
    rows += [(path, f"link to {target}") for path, target in listing.links]
    wanted = [Path(os.path.realpath(path)) for path in paths]
    for path, reason in sorted(rows):
        if any(is_inside(listing.root / path, asked) for asked in wanted):
            shown = printable(relative_path((listing.root / path).as_posix(), Path.cwd()))
            yield f"{shown}: not read ({reason})" if reason else shown


def is_inside(path: Path, folder: Path) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or folder in path.parents
