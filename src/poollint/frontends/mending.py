"""`poollint check --fix` and `--diff`: mends in memory, shows or writes what came out, says what is left and why."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.check import CheckError
from poollint.findings import relative_path
from poollint.fixing import pending, writing
from poollint.fixing.mending import mend
from poollint.frontends.commands.check import STDIN, pending_fixes, status, write_findings, write_remarks
from poollint.frontends.status import FAILED, FOUND, FOUND_NOTHING, UsageError
from poollint.output.style import Style, printable, visible, wants_colour
from poollint.source import SourceError, SourceFile

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from poollint.check import CheckOptions
    from poollint.fixing.mending import HeldBack, Mended
    from poollint.frontends.terminal import Terminal

MOST_REASONS = 20
"""How many findings that are held back are told one by one."""


def run_fixes(arguments: argparse.Namespace, paths: tuple[str, ...], options: CheckOptions, terminal: Terminal) -> int:
    """Mend, and show or write it; the exit status."""
    from_stdin = STDIN in arguments.paths
    writes = not arguments.diff and not from_stdin
    reason_against = writing.reason_against if writes else nothing_against
    try:
        with terminal.progress("poollint: mending..."):
            mended = mend(paths, options, arguments.unsafe_fixes, reason_against)
    except CheckError as error:
        raise UsageError(str(error)) from error
    if arguments.diff:
        return show_diff(mended, arguments, terminal)
    if writes:
        tell_pending(mended, terminal)
    failures = writing.write(mended) if writes else []
    if from_stdin:
        terminal.write_bytes(mended_input(mended, options))
    write_findings(mended.report, arguments, terminal)
    write_remarks(mended.report, arguments, terminal)
    for failure in failures:
        terminal.complain(failure)
    if not arguments.quiet:
        tell(mended, arguments, terminal)
    return FAILED if failures else status(mended.report, arguments)


def nothing_against(_path: str) -> str:
    """What is not written may be changed."""
    return ""


def mended_input(mended: Mended, options: CheckOptions) -> bytes:
    """Standard input after its fixes."""
    given = options.anonymous if options.anonymous is not None else next(iter(options.buffers.values()))
    return next(iter(mended.after.values()), given)


# ------------------------------------------------------------------------------------------------------- the diff
def show_diff(mended: Mended, arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print what would change; the exit status."""
    style = Style(wants_colour(terminal.out, terminal.environment))
    lines = [line for path in sorted(mended.after) for line in file_diff(mended, path)]
    text = "".join(f"{coloured(line, style)}\n" for line in lines)
    if arguments.output_file is None:
        terminal.write(text)
    else:
        plain = "".join(f"{line}\n" for line in lines)
        Path(arguments.output_file).write_text(plain, encoding="utf-8", errors="backslashreplace")
    for failure in mended.report.failures:
        terminal.complain(failure)
    if not arguments.quiet:
        tell(mended, arguments, terminal)
    if mended.report.failures:
        return FAILED
    return FOUND if mended.after and not arguments.exit_zero else FOUND_NOTHING


def file_diff(mended: Mended, path: str) -> Iterator[str]:
    """The lines of the unified diff of one file, without line endings."""
    shown = printable(relative_path(path, Path.cwd()))
    before, after = lines_of(path, mended.before[path]), lines_of(path, mended.after[path])
    for line in difflib.unified_diff(before, after, shown, shown, n=3, lineterm=""):
        head, ending = (line[:-1], "\n") if line.endswith("\n") else (line, "")
        yield head.rstrip("\r")
        if not ending and line[:1] in "+- " and not line.startswith(("+++ ", "--- ")):
            yield "\\ No newline at end of file"


def lines_of(path: str, data: bytes) -> list[str]:
    """The lines of a file with their endings."""
    try:
        return SourceFile(path, data).lines
    except SourceError:
        return data.decode("utf-8", "replace").splitlines(keepends=True)


def coloured(line: str, style: Style) -> str:
    """A line of a diff as a terminal shows it."""
    if not style.enabled:
        return line
    if line.startswith(("--- ", "+++ ")):
        return style(line, "bold")
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return style(visible(line), colour) if colour else visible(line)


# ---------------------------------------------------------------------------------------------------- the summary
def tell(mended: Mended, arguments: argparse.Namespace, terminal: Terminal) -> None:
    """How many findings are fixed, and what is held back and why."""
    fixed, unsafe = len(mended.fixed), sum(each.is_unsafe for each in mended.held_back)
    word = "would be fixed" if arguments.diff else "fixed"
    parts = [f"{fixed} {word}"]
    if mended.held_back:
        option = f" ({unsafe} unsafe: --unsafe-fixes applies {'it' if unsafe == 1 else 'them'})" if unsafe else ""
        parts.append(f"{len(mended.held_back)} held back{option}")
    terminal.note(", ".join(parts))
    shown = mended.held_back if arguments.verbose else mended.held_back[:MOST_REASONS]
    for each in shown:
        location = each.finding.location
        where = f"{printable(relative_path(location.path, Path.cwd()))}:{location.line}"
        reason = why(each).replace(f"{Path.cwd().as_posix()}/", "")
        terminal.note(f"{where}: {each.finding.code} held back: {printable(reason)}")
    if len(shown) < len(mended.held_back):
        terminal.note(f"and {len(mended.held_back) - len(shown)} more held back: --verbose lists them")


def why(held_back: HeldBack) -> str:
    """Why a finding is left; of an unsafe fix, what it would do."""
    fix = held_back.finding.fix
    if not held_back.is_unsafe or fix is None:
        return held_back.reason
    return f"unsafe, {fix.title[:1].lower()}{fix.title[1:]}"


def tell_pending(mended: Mended, terminal: Terminal) -> None:
    """Tell of fixes that were interrupted, for the last time: what is written now may change their files again."""
    for notice in pending_fixes(mended.report):
        terminal.note(f"poollint: {notice}")
    for root in dict.fromkeys(run.root for run in mended.report.runs):
        pending.forget(Path(root))
