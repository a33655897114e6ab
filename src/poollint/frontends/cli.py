"""The command line: picks a command, imports that one alone, and turns trouble into an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol, cast

from poollint import __version__
from poollint.frontends.status import FAILED, UsageError
from poollint.frontends.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

SUMMARIES = {
    "check": "report engines, sessions and connections that leak, or are made too often",
    "rule": "show the page of a rule",
    "explain": "say why a line is or is not reported",
    "engines": "list all engines of the program",
    "clean": "remove the cache",
}
EPILOG = "commands:\n" + "\n".join(f"  {name:<9} {summary}" for name, summary in SUMMARIES.items())


class Command(Protocol):
    """What a module of `poollint.frontends.commands` offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the command."""

    def run(self, arguments: argparse.Namespace, terminal: Terminal) -> int:
        """Do the work; the exit status. Raises `UsageError` for what the user can mend."""


class Invocation(NamedTuple):
    """A parsed command line."""

    command: Command
    arguments: argparse.Namespace


def run(argv: Sequence[str]) -> int:
    """Run one command line; the exit status."""
    terminal = Terminal.of_process()
    try:
        invocation = parse(argv, terminal)
        status = invocation.command.run(invocation.arguments, terminal)
    except SystemExit as ended:
        return terminal.finish(ended.code if isinstance(ended.code, int) else FAILED)
    except UsageError as trouble:
        terminal.complain(str(trouble))
        return terminal.finish(FAILED)
    except Exception:
        # An uncaught exception would end with status 1, which says "findings".
        report_fault(terminal)
        return terminal.finish(FAILED)
    return terminal.finish(status)


def report_fault(terminal: Terminal) -> None:
    """Tell of an error of poollint's own, with everything that a report of it needs."""
    import traceback

    from poollint.rules.registry import ISSUES_URL

    terminal.note(traceback.format_exc().rstrip())
    python = ".".join(map(str, sys.version_info[:3]))
    terminal.complain(f"internal error of poollint {__version__} on Python {python}, please report it: {ISSUES_URL}")


def parse(argv: Sequence[str], terminal: Terminal) -> Invocation:
    """The command and its options. Raises SystemExit after `--help`, `--version` and for a wrong option."""
    if not argv or argv[0] not in SUMMARIES:
        reject(argv, terminal)
    name = argv[0]
    command = cast("Command", import_module(f"poollint.frontends.commands.{name}"))
    parser = argparse.ArgumentParser(
        prog=f"poollint {name}", description=describe(command), formatter_class=formatter, allow_abbrev=False
    )
    command.add_arguments(parser)
    return Invocation(command, parser.parse_args(argv[1:]))


def formatter(prog: str) -> argparse.HelpFormatter:
    """The usual one. argparse makes one for each option, and imports shutil to learn the width of the terminal."""
    return argparse.HelpFormatter(prog, width=terminal_width() - 2)


def terminal_width() -> int:
    """The columns of the terminal, or what the user has put into COLUMNS; 80 without either."""
    with suppress(ValueError):
        if (columns := int(os.environ.get("COLUMNS", ""))) > 0:
            return columns
    with suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    return 80


def reject(argv: Sequence[str], terminal: Terminal) -> NoReturn:
    """Answer a command line that names no command. Always raises SystemExit."""
    parser = argparse.ArgumentParser(
        prog="poollint",
        description=(
            "Finds SQLAlchemy engines that are made again and again, sessions and connections that are not given back,"
            " and pools that do not fit, across modules, before they ship."
        ),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="poollint [--help] [--version] COMMAND ...",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"poollint {__version__}")
    parser.add_argument("command", metavar="COMMAND", nargs="?", help="what to do; poollint COMMAND --help says more")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        terminal.note(parser.format_help().rstrip())
        raise SystemExit(FAILED)
    parser.error(f"there is no command {arguments.command!r}{advice(arguments.command)}")


def advice(word: str) -> str:
    """What the user may have meant by a command that does not exist."""
    from difflib import get_close_matches
    from pathlib import Path

    if Path(word).exists():
        return f"; to check that path: poollint check {word}"
    nearest = get_close_matches(word, SUMMARIES, 1)
    return f"; the nearest one is {nearest[0]!r}" if nearest else f" (there are: {', '.join(SUMMARIES)})"


def describe(command: Command) -> str:
    """The first paragraph of a command's module docstring."""
    documentation = sys.modules[getattr(command, "__name__", "")].__doc__ or ""
    return " ".join(documentation.split("\n\n")[0].split())
