"""Writes the results: a file for machines, and the README that is made from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from measure import Spread
from targets import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from measure import Measurement, Subject
    from targets import Verdict
    from workspace import Size

INTRODUCTION = """\
# Benchmarks

What poollint costs, beside what other work on the same files costs, measured in one run on one machine.

```console
$ pip install . -r benchmarks/requirements.txt
$ python benchmarks/run.py
```

The packages are looked for in `$POOLLINT_CORPUS`, or `~/.cache/poollint-corpus`, or the folder given by `--corpus`, as
`NAME-VERSION/` with the files of the wheel. A tool that is not installed is left out of the table. Useful options:
`--repeat N`, `--groups NAMES` (`--help` lists them), `--all-packages` (the whole corpus in one run), `--full` (flake8
over all packages, which takes minutes; else it runs over the last one alone). `results.json` and this file are written
by the run; do not edit them.

## How it is measured

- Everything works on copies. poollint has several, one for each state of its cache: no row disturbs another one.
- The rows are run in turns (A B C, A B C, ...), so that what disturbs the machine for a while hits all of them.
  `libcst.parse_module` is run once only: it takes longer than all others together.
- CPU time is user and system time of the process and of all its children (`os.wait4`). The multiples and the targets
  use the least CPU time of each row: what disturbs a measurement only ever adds to it.
- Memory is the resident peak of the largest process, not the sum over processes. No figure is below what the benchmark
  itself takes, about 20 MB.
- `PYTHONDONTWRITEBYTECODE` is unset and each poollint command is run once before, so that modules are compiled as they
  are for a user.
- "No cache yet" removes `.poollint_cache` before each run, and so includes writing it. The files themselves are in the
  memory of the operating system, for all rows alike.
- "Changed" adds a line of code to one file before each run.
- ast-grep and semgrep have one rule, "`create_engine()` is called inside a function" (`rules/`); ruff has its default
  rules.
- "flake8 without poollint" runs in a virtual environment with links to all packages of the other one, except poollint.
"""


def encode(
    about: Mapping[str, Any],
    subjects: Sequence[Subject],
    rows: Mapping[str, list[Measurement]],
    verdicts: Sequence[Verdict],
) -> dict[str, Any]:
    """The results as plain data. Seconds and bytes."""
    return {
        "about": dict(about),
        "rows": [
            {
                "name": subject.name,
                "title": subject.title,
                "group": subject.group,
                "unavailable": subject.unavailable,
                "runs": [
                    {"cpu": taken.cpu, "wall": taken.wall, "peak": taken.peak} for taken in rows.get(subject.name, ())
                ],
            }
            for subject in subjects
        ],
        "targets": [
            {
                "text": verdict.text,
                "unit": verdict.unit,
                "limit": verdict.limit,
                "actual": verdict.actual,
                "met": verdict.met,
            }
            for verdict in verdicts
        ],
    }


def describe(sizes: Mapping[str, Size]) -> dict[str, dict[str, int]]:
    """Sizes of trees as plain data."""
    return {name: {"files": size.files, "lines": size.lines, "bytes": size.bytes} for name, size in sizes.items()}


def write(results: Mapping[str, Any], json_file: Path, readme: Path) -> None:
    """Write both files."""
    json_file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    readme.write_text(render(results), encoding="utf-8")


def render(results: Mapping[str, Any]) -> str:
    """The README for results that `encode` made."""
    return "\n".join(
        (INTRODUCTION, *last_run(results["about"]), *targets(results["targets"]), *tables(results["rows"]))
    )


def last_run(about: Mapping[str, Any]) -> list[str]:
    """When, where and with what the results were measured."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    trees = [
        f"- {name}: {size['files']:,} files, {size['lines']:,} lines, {size['bytes'] / MEGABYTE:.1f} MB"
        for name, size in about["trees"].items()
    ]
    return [
        "## Last results",
        "",
        f"{about['date']}, {about['machine']}; each row {about['repeat']} times.",
        f"Load of the machine before the run: {about['load']} (0 is idle).",
        "",
        f"{versions}.",
        "",
        "Trees:",
        "",
        *trees,
        "",
    ]


def targets(verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of targets."""
    lines = ["### Targets", "", "| CPU time, unless it says otherwise | limit | actual | |", "|---|---:|---:|---|"]
    for verdict in verdicts:
        actual = "not measured" if verdict["actual"] is None else f"{verdict['actual']:.2f} {verdict['unit']}"
        word = {None: "-", True: "met", False: "**missed**"}[verdict["met"]]
        lines.append(f"| {verdict['text']} | {verdict['limit']:g} {verdict['unit']} | {actual} | {word} |")
    return [*lines, ""]


def tables(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One table for each group. Least / median / greatest of each quantity."""
    lines = []
    baseline = least_cpu(rows, "ast")
    for group in dict.fromkeys(row["group"] for row in rows):
        members = [row for row in rows if row["group"] == group]
        # The last column compares work on the same files alone.
        comparable = baseline if any(row["name"] == "ast" for row in members) else None
        columns = ["", "CPU, s", "wall, s", "peak, MB", *([] if comparable is None else ["x `ast.parse`"])]
        rule = "|---" + "|---:" * (len(columns) - 1) + "|"
        lines += [f"### {group}", "", "Least / median / greatest.", "", f"| {' | '.join(columns)} |", rule]
        lines += [line(row, comparable) for row in members]
        lines.append("")
    return lines


def least_cpu(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The least CPU time of a row, None when it was not measured."""
    return min((taken["cpu"] for row in rows if row["name"] == name for taken in row["runs"]), default=None)


def line(row: Mapping[str, Any], baseline: float | None) -> str:
    """One line of a table."""
    runs = row["runs"]
    if not runs:
        return f"| {row['title']} | {row['unavailable'] or 'not measured'} | | |{'' if baseline is None else ' |'}"
    times = [spread([taken[kind] for taken in runs]) for kind in ("cpu", "wall")]
    memory = f"{max(taken['peak'] for taken in runs) / MEGABYTE:.0f}"
    multiple = "" if baseline is None else f" {min(taken['cpu'] for taken in runs) / baseline:.3f} |"
    return f"| {row['title']} | {times[0]} | {times[1]} | {memory} |{multiple}"


def spread(values: Sequence[float]) -> str:
    """Least, median and greatest value."""
    found = Spread.of(values)
    return f"{found.least:.3f} / {found.median:.3f} / {found.greatest:.3f}"
