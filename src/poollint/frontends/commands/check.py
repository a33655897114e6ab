"""Report SQLAlchemy engines that are made again and again, and sessions and connections that are not given back.

The whole program of each path is analysed; findings are reported for the paths. Exit status: 0 nothing found,
1 findings, 2 poollint could not do its work.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poollint.check import CheckError, CheckOptions, Report, check
from poollint.fixing import PENDING
from poollint.frontends.status import FAILED, FOUND, FOUND_NOTHING, UsageError
from poollint.output import FORMATS, View, renderer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from poollint.frontends.terminal import Terminal

STDIN = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `poollint check`."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and directories (default: .); - is stdin")
    rules = parser.add_argument_group("rules")
    rules.add_argument("--select", action="append", metavar="CODES", help="run these alone: codes, prefixes, or ALL")
    rules.add_argument("--ignore", action="append", metavar="CODES", help="leave these out")
    rules.add_argument("--extend-select", action="append", metavar="CODES", help="run these too")
    rules.add_argument(
        "--report",
        choices=("primary", "touched"),
        help="a finding counts for the files of its primary place, or of any step of its chain (default: primary)",
    )
    rules.add_argument(
        "--fail-on", choices=("error", "warning", "info"), help="the least severity for status 1 (default: warning)"
    )
    fixes = parser.add_argument_group("fixes")
    fixes.add_argument("--fix", action="store_true", help="mend what can be mended safely, and report what is left")
    fixes.add_argument("--diff", action="store_true", help="show what --fix would change, and write nothing")
    fixes.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix or --diff: also change when or where something runs"
    )
    files = parser.add_argument_group("files and settings")
    files.add_argument("--exclude", action="append", metavar="PATTERNS", help="neither read nor report these files")
    files.add_argument("--stdin-filename", metavar="NAME", help="with -: the file that standard input stands for")
    files.add_argument("--config", metavar="FILE", help="read [tool.poollint] of this file instead of the project's")
    files.add_argument("--isolated", action="store_true", help="read no configuration")
    files.add_argument("--show-files", action="store_true", help="list what is read, and what is not and why")
    files.add_argument("--show-settings", action="store_true", help="print the settings of each root")
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=FORMATS, help="how findings are written (default: text)")
    output.add_argument("--output-file", metavar="FILE", help="write the findings there")
    output.add_argument("--statistics", action="store_true", help="count the findings of each rule at the end")
    output.add_argument("--exit-zero", action="store_true", help="end with status 0 also when there are findings")
    output.add_argument("-q", "--quiet", action="store_true", help="print findings and errors only")
    output.add_argument("-v", "--verbose", action="store_true", help="tell what is read, and how long it takes")
    speed = parser.add_argument_group("speed")
    speed.add_argument("--no-cache", action="store_true", help="neither read nor write .poollint_cache")
    speed.add_argument("--jobs", type=process_count, metavar="N", help="processes that read files")


def process_count(text: str) -> int:
    """A number of processes; 0 leaves the choice to poollint."""
    if not text.strip().isdecimal():
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r} is no number of processes: give 1 or more, or 0 to let poollint choose")
    return int(text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """`poollint check`; the exit status."""
    request = read_request(arguments, terminal)
    if arguments.show_files or arguments.show_settings:
        from poollint.frontends.commands.show import show

        return show(arguments, request.paths, request.options, terminal)
    if arguments.fix or arguments.diff:
        from poollint.frontends.mending import run_fixes

        return run_fixes(arguments, request.paths, request.options, terminal)
    if arguments.unsafe_fixes:
        raise UsageError("--unsafe-fixes needs --fix or --diff")
    try:
        with terminal.progress("poollint: analysing..."):
            report = check(request.paths, request.options)
    except CheckError as error:
        raise UsageError(str(error)) from error
    write_findings(report, arguments, terminal)
    write_remarks(report, arguments, terminal)
    return status(report, arguments)


def status(report: Report, arguments: argparse.Namespace) -> int:
    """How a check ends."""
    if report.failures:
        return FAILED
    return FOUND if report.failing and not arguments.exit_zero else FOUND_NOTHING


class Request(NamedTuple):
    """What the command line asks for."""

    paths: tuple[str, ...]
    options: CheckOptions


def read_request(arguments: argparse.Namespace, terminal: Terminal) -> Request:
    """Paths and options; reads standard input when a path is `-`."""
    paths = tuple(arguments.paths) or (".",)
    buffers: dict[str, bytes] = {}
    anonymous = None
    if "" in paths:
        raise UsageError("a path is empty; was a variable of the shell not set?")
    if STDIN in paths:
        if len(paths) > 1:
            raise UsageError("- (standard input) cannot be combined with other paths")
        data = terminal.input.buffer.read()
        if arguments.stdin_filename:
            paths = (arguments.stdin_filename,)
            buffers[os.path.abspath(arguments.stdin_filename)] = data  # noqa: PTH100 - resolves no links
        else:
            paths, anonymous = (), data
    elif arguments.stdin_filename:
        raise UsageError("--stdin-filename needs the path - (standard input)")
    options = CheckOptions(
        select=selected(arguments.select),
        ignore=codes(arguments.ignore),
        extend_select=codes(arguments.extend_select),
        exclude=codes(arguments.exclude),
        report=arguments.report,
        fail_on=arguments.fail_on,
        output_format=arguments.output_format,
        jobs=arguments.jobs,
        config=Path(arguments.config) if arguments.config else None,
        isolated=arguments.isolated,
        cache=not arguments.no_cache,
        buffers=buffers,
        anonymous=anonymous,
    )
    return Request(paths, options)


def selected(given: list[str] | None) -> tuple[str, ...] | None:
    """The codes of --select. Raises `UsageError` when it names none: that would run the default rules instead."""
    found = codes(given)
    if found == ():
        raise UsageError("--select names no rule: give codes, prefixes, or ALL, or leave it out")
    return found


def codes(given: list[str] | None) -> tuple[str, ...] | None:
    """The parts of an option that takes a comma-separated list and may be repeated; None when it is absent."""
    if given is None:
        return None
    return tuple(part.strip() for text in given for part in text.split(",") if part.strip())


def write_findings(report: Report, arguments: argparse.Namespace, terminal: Terminal) -> None:
    """The findings, in the format and to the place asked for."""
    from poollint.output.style import wants_colour

    to_file = arguments.output_file is not None
    view = View(
        start=Path.cwd(),
        lines=report.lines,
        colour=not to_file and wants_colour(terminal.out, terminal.environment),
    )
    if report.output_format not in FORMATS:
        raise UsageError(f"output-format: {report.output_format} is not one of {', '.join(FORMATS)}")
    text = renderer(report.output_format)(report.findings, view)
    if not to_file and arguments.fix and STDIN in arguments.paths:
        if text:  # standard output holds the mended source
            terminal.note(text.rstrip("\n"))
        return
    if not to_file:
        terminal.write(text)
        return
    try:
        Path(arguments.output_file).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{arguments.output_file}: cannot be written: {error.strerror}") from error


def write_remarks(report: Report, arguments: argparse.Namespace, terminal: Terminal) -> None:
    """What goes to standard error: failures always, the rest unless --quiet; and the statistics."""
    if arguments.statistics:
        text = statistics(report)
        if report.output_format == "json" or arguments.output_file is not None:
            terminal.note(text.rstrip("\n"))
        else:
            terminal.write(text)
    for failure in report.failures:
        terminal.complain(failure)
    if arguments.quiet:
        return
    for notice in (*report.notices, *pending_fixes(report)):
        terminal.note(f"poollint: {notice}")
    if arguments.verbose:
        for remark in report.remarks:
            terminal.note(f"poollint: {remark}")
    if report.hidden:
        some = "finding" if report.hidden == 1 else "findings"
        terminal.note(f"{report.hidden} informational {some} hidden; --select ALL shows them")


def pending_fixes(report: Report) -> Iterator[str]:
    """What a `--fix` that was killed has left half done."""
    for root in dict.fromkeys(run.root for run in report.runs):
        if os.path.lexists(os.path.join(root, PENDING)):  # noqa: PTH118 - on the warm path
            from poollint.fixing.pending import unfinished

            if (told := unfinished(Path(root))) is not None:
                yield told


def statistics(report: Report) -> str:
    """One line a rule: how many findings, its code and its name; the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for finding in report.findings:
        key = (finding.code, finding.name)
        counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return "".join(f"{count:5} {code} {name}\n" for (code, name), count in ordered)
