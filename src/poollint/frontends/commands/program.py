"""The program behind a path, analysed afresh: what `explain` and `engines` have in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poollint.checking.analysing import StampingReader, analyse_program, judged
from poollint.checking.options import CheckError, CheckOptions
from poollint.checking.root_run import RootRun, add_missing_stamps, checked_settings
from poollint.checking.shared import Shared
from poollint.checking.snapshot import Snapshot
from poollint.checking.sources import Sources
from poollint.frontends.status import UsageError
from poollint.workspace.listing import list_files

if TYPE_CHECKING:
    import argparse

    from poollint.program.analysis import ProgramResult


class Program(NamedTuple):
    """One root with everything that the analysis knows of it."""

    run: RootRun
    result: ProgramResult
    options: CheckOptions
    sources: Sources


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that decide what is read."""
    parser.add_argument("--config", metavar="FILE", help="read [tool.poollint] of this file instead of the project's")
    parser.add_argument("--isolated", action="store_true", help="read no configuration")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write .poollint_cache")


def program_of(path: str, arguments: argparse.Namespace) -> Program:
    """The program that `path` belongs to. Raises `UsageError` when its configuration cannot be used."""
    options = CheckOptions(
        config=Path(arguments.config) if arguments.config else None,
        isolated=arguments.isolated,
        cache=not arguments.no_cache,
    )
    shared = Shared(options)
    root = str(shared.finder.root_of(Path(os.path.realpath(path))))
    reader = StampingReader(root, {})
    try:
        settings = checked_settings(root, options)
        listing = list_files(Path(root), settings, shared.finder)
        result = analyse_program(root, settings, shared, listing, reader)
    except CheckError as error:
        raise UsageError(str(error)) from error
    add_missing_stamps(reader.stamps, listing, reader)
    taken = Snapshot(listing, reader.stamps, "", "")
    run = RootRun.of(root, settings, taken, judged(result), reader, fresh=False, store=None)
    return Program(run, result, options, Sources(reader))
