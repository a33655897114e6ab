"""Say why a line is or is not reported: how often it runs, from where, and who owns what it makes.

The line is given as PATH:LINE.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.check import selection_for
from poollint.checking.report import Scope, cause, report
from poollint.checking.selection import decide
from poollint.findings import relative_path
from poollint.frontends.commands.program import add_file_arguments, program_of
from poollint.frontends.status import FOUND_NOTHING, UsageError
from poollint.output.style import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from poollint.checking.results import StoredVerdict
    from poollint.checking.selection import Outcome
    from poollint.frontends.commands.program import Program
    from poollint.frontends.terminal import Terminal

REPORTED = "  reported"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `poollint explain`."""
    parser.add_argument("place", metavar="PATH:LINE", help="the line to explain")
    add_file_arguments(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """`poollint explain`; the exit status."""
    path, line = parse_place(arguments.place)
    with terminal.progress("poollint: analysing..."):
        program = program_of(path, arguments)
    relative = os.path.relpath(os.path.realpath(path), program.run.root).replace(os.sep, "/")
    if relative not in program.run.files:
        raise UsageError(f"{path} is not read: poollint check --show-files {path} says why")
    try:
        lines = len(program.run.reader(relative).splitlines())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    if line > lines:
        raise UsageError(f"{path} has no line {line}: it ends with line {lines}")
    judged = list(verdict_lines(program, relative, line))
    quiet = [] if REPORTED in judged else exemption_lines(program, relative, line)
    for text in (*program.result.explain(relative, line), *quiet, *judged):
        terminal.write(f"{printable(text)}\n")
    return FOUND_NOTHING


def parse_place(place: str) -> tuple[str, int]:
    """A path and a line; a column after them is accepted, as reports write it. Raises `UsageError`."""
    parts = place.split(":")
    numbers: list[int] = []
    while len(parts) > 1 and parts[-1].isdigit() and len(numbers) < 2:
        numbers.append(int(parts.pop()))
    path = ":".join(parts)
    if not numbers or not numbers[-1]:
        raise UsageError(f"{place}: expected PATH:LINE, for example app/db.py:12")
    if not Path(path).is_file():
        raise UsageError(f"{path}: no such file")
    return path, numbers[-1]


def exemption_lines(program: Program, path: str, line: int) -> Iterator[str]:
    """Why the rules are quiet or milder about the engines, sessions and connections that are made on a line."""
    from poollint.rules.engine.exemptions import EXEMPTIONS, MITIGATIONS, in_words
    from poollint.rules.lifetime.closing import REASONS

    for site in program.result.sites.engines:
        if site.span.path == path and site.span.line <= line <= site.span.end_line:
            for holds in (*EXEMPTIONS, *MITIGATIONS):
                if holds(site):
                    head = "Quiet" if holds in EXEMPTIONS else "Quiet or milder"
                    yield f"{head} at {site.spelled}(), {holds.__name__}: {in_words(holds)}"
    for handle in program.result.sites.handles:
        if handle.span.path == path and handle.span.line <= line <= handle.span.end_line:
            for reason in REASONS if handle.leaks else ():
                if reason(handle):
                    yield f"Quiet at {handle.spelled}(), {reason.__name__}: {in_words(reason)}"


def verdict_lines(program: Program, path: str, line: int) -> Iterator[str]:
    """What the rules say about a line, and what became of it."""
    run = program.run
    at_line = [
        index
        for index, verdict in enumerate(run.result.verdicts)
        if verdict.span[0] == path and verdict.span[1] <= line <= verdict.span[3]
    ]
    broken = [cause(problem, run.reader) for problem in run.result.problems if problem.path == path]
    if broken or not at_line:
        yield from broken or ("no rule has anything to say about this line",)
        return
    selection = selection_for(run, program.options)
    outcome = decide(run.result.verdicts, selection)
    reported = report(run, selection, Scope(frozenset({path})), program.sources).findings
    for index in at_line:
        verdict = run.result.verdicts[index]
        if index in outcome.shown:
            is_reported = any((found.code, found.message) == (verdict.code, verdict.message) for found in reported)
            state = REPORTED.strip() if is_reported else "not reported: a comment or a per-file ignore suppresses it"
        elif verdict.code not in selection.enabled:
            state = "not reported: the rule is not enabled"
        elif index in outcome.hidden:
            state = f"not reported by default: {'informational' if verdict.severity == 'info' else 'low confidence'}"
        else:
            state = f"not reported: {speaker(run.result.verdicts, outcome, index)} speaks for this place"
        yield f"{verdict.code} ({verdict.severity}, {verdict.confidence} confidence): {verdict.message}"
        yield f"  {state}"
        for place, text in verdict.chain:
            yield f"  {relative_path(run.reader.absolute(place[0]), Path.cwd())}:{place[1]}: {text}"


def speaker(verdicts: Sequence[StoredVerdict], outcome: Outcome, index: int) -> str:
    """The code of the verdict that was chosen for the same site."""
    site = verdicts[index].site
    return next(verdicts[other].code for other in (*outcome.shown, *outcome.hidden) if verdicts[other].site == site)
