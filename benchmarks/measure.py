"""Runs commands and tells what each one cost: CPU time, wall time and peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LONGEST_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run. Seconds; `cpu` is user and system time of the process and of all its children.

    `peak` is the resident memory in bytes of the largest process of them, not their sum.
    """

    cpu: float
    wall: float
    peak: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where, and which exit statuses mean that it did its work."""

    arguments: tuple[str, ...]
    folder: Path
    statuses: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the table.

    Attributes:
        name: what targets and results call it.
        title: what the table calls it.
        group: the heading that it stands under.
        command: None when the row cannot be measured; `unavailable` says why.
        prepare: called before each run; not measured.
        warm_up: run once before everything else; not measured.
        once: measured in the first turn only, because it takes long and is no part of a comparison that is close.
    """

    name: str
    title: str
    group: str
    command: Command | None
    prepare: Callable[[], None] | None = None
    warm_up: Command | None = None
    unavailable: str = ""
    once: bool = False


class BenchmarkError(Exception):
    """A subject did not do its work, or something that is needed is missing."""


def measure(command: Command, environment: Mapping[str, str]) -> Measurement:
    """Run a command once. Raises `BenchmarkError` when its exit status is not one of the expected ones."""
    # Output goes to a file, because a pipe would have to be read while wait4 waits; and to one outside of the tree,
    # because a new file there would be a change that poollint has to look at.
    with TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, raw_status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(raw_status)
        if process.returncode not in command.statuses:
            output.seek(0)
            tail = output.read().decode("utf-8", "replace")[-_LONGEST_TAIL:]
            raise BenchmarkError(f"{' '.join(command.arguments)[:300]}: exit status {process.returncode}\n{tail}")
    return Measurement(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024)


def interleaved(
    subjects: Sequence[Subject], repeat: int, environment: Mapping[str, str], tell: Callable[[str], None]
) -> dict[str, list[Measurement]]:
    """Measure A B C, A B C, ...: what disturbs the machine for a while hits all subjects alike."""
    found: dict[str, list[Measurement]] = {subject.name: [] for subject in subjects if subject.command is not None}
    for number in range(1, repeat + 1):
        for subject in subjects:
            if subject.command is None or (subject.once and number > 1):
                continue
            if subject.prepare is not None:
                subject.prepare()
            taken = measure(subject.command, environment)
            found[subject.name].append(taken)
            tell(f"{number}/{repeat} {subject.name:<28} {taken.cpu:8.3f} s CPU  {taken.wall:8.3f} s wall")
    return found


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, median and greatest value of a quantity."""

    least: float
    median: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), median(values), max(values))
