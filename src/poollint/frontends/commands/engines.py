"""List all engines of the program: where each is made, how often, with which pool, and for which URL.

Passwords in URLs are not printed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.findings import relative_path
from poollint.frontends.commands.program import add_file_arguments, program_of
from poollint.frontends.status import FOUND_NOTHING, UsageError
from poollint.output.style import printable
from poollint.program.sites import Pool, Times

if TYPE_CHECKING:
    import argparse

    from poollint.findings import Location
    from poollint.frontends.commands.program import Program
    from poollint.frontends.terminal import Terminal
    from poollint.program.sites import EngineSite, Frequency

DEFAULT_POOL = (5, 10)
"""`pool_size` and `max_overflow` of a QueuePool that is given neither."""
PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]*(?=@)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `poollint engines`."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a file or directory (default: .)")
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="default: text")
    add_file_arguments(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """`poollint engines`; the exit status."""
    if not Path(arguments.path).exists():
        raise UsageError(f"{arguments.path}: no such file or directory")
    with terminal.progress("poollint: analysing..."):
        program = program_of(arguments.path, arguments)
    asked = os.path.realpath(arguments.path)
    sites = [site for site in program.result.sites.engines if is_asked(program, site, asked)]
    sites.sort(key=lambda site: site.span)
    if arguments.output_format == "json":
        terminal.write(json.dumps([as_object(site, location(program, site)) for site in sites], indent=2) + "\n")
    else:
        terminal.write("".join(f"{as_line(site, location(program, site))}\n" for site in sites))
        if not sites:
            terminal.note("no engines found")
    return FOUND_NOTHING


def is_asked(program: Program, site: EngineSite, asked: str) -> bool:
    """Whether an engine is made in the file or below the folder asked for."""
    path = Path(program.run.reader.absolute(site.span.path))
    return Path(asked) in (path, *path.parents)


def location(program: Program, site: EngineSite) -> Location:
    """Where an engine is made, in the columns of findings."""
    from poollint.findings import Location

    span = site.span
    source = program.sources.get(span.path)
    if source is None:
        path = program.run.reader.absolute(span.path)
        return Location(path, span.line, span.column + 1, span.end_line, span.end_column + 1)
    return source.location(span.line, span.column, span.end_line, span.end_column)


def as_line(site: EngineSite, where: Location) -> str:
    """One engine for people."""
    path = relative_path(where.path, Path.cwd())
    parts = [f"{site.spelled or site.factory}()", f"in {site.symbol}" if site.symbol else "at module level"]
    parts.append(f"{how_often(site.frequency)},")
    parts.append(pool(site) + ("," if site.url else ""))
    if site.url:
        parts.append(without_password(site.url))
    return printable(f"{path}:{where.line}:{where.column}: {' '.join(parts)}")


def how_often(frequency: Frequency) -> str:
    """The frequency in words."""
    if not frequency.known:
        return "callers unknown"
    words = {
        Times.NEVER: "never",
        Times.ONCE: "once",
        Times.PER_PROCESS: "once per process",
        Times.PER_KEY: "once per key",
        Times.PER_THREAD: "once per thread",
        Times.MANY: f"once per {frequency.unit}" if frequency.unit else "again and again",
    }[frequency.times]
    return f"{words} ({frequency.entry})" if frequency.entry else words


def pool(site: EngineSite) -> str:
    """The pool and its size in words: "QueuePool 5+10"."""
    if site.pool not in (Pool.DEFAULT, Pool.QUEUE) or site.in_memory:
        return "in-memory database" if site.in_memory else f"{site.pool.value} pool".replace("Pool pool", "Pool")
    size = DEFAULT_POOL[0] if site.pool_size is None else site.pool_size
    overflow = DEFAULT_POOL[1] if site.max_overflow is None else site.max_overflow
    return f"QueuePool {size}+{overflow}"


def as_object(site: EngineSite, where: Location) -> dict[str, object]:
    """One engine for programs."""
    frequency = site.frequency
    return {
        "path": relative_path(where.path, Path.cwd()),
        "line": where.line,
        "column": where.column,
        "factory": site.factory,
        "symbol": site.symbol,
        "async": site.is_async,
        "times": frequency.times.name.lower() if frequency.known else "unknown",
        "unit": frequency.unit,
        "entry": frequency.entry,
        "contexts": sorted(frequency.contexts),
        "concurrent": frequency.concurrent,
        "pool": site.pool.value,
        "pool_size": site.pool_size,
        "max_overflow": site.max_overflow,
        "release": site.release.value,
        "url": without_password(site.url),
    }


def without_password(url: str) -> str:
    """A URL whose password, if there is one, is replaced by stars."""
    return PASSWORD.sub(r"\1***", url)
