"""What the figures have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from measure import Measurement

    Rows = Mapping[str, list[Measurement]]

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """A limit for something that is computed from the rows in `needs`."""

    text: str
    unit: str
    limit: float
    needs: tuple[str, ...]
    actual: Callable[[Rows], float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what came out; `actual` is None when a row that it needs was not measured."""

    text: str
    unit: str
    limit: float
    actual: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None when that is not known."""
        return None if self.actual is None else self.actual <= self.limit


def cpu(rows: Rows, name: str) -> float:
    """The least CPU time of a row: what disturbs a measurement only ever adds to it."""
    return min(taken.cpu for taken in rows[name])


def ratio(name: str, other: str) -> Callable[[Rows], float]:
    """CPU time of one row in multiples of another one's."""
    return lambda rows: cpu(rows, name) / cpu(rows, other)


def peak(*names: str) -> Callable[[Rows], float]:
    """The greatest peak of the rows, in megabytes."""
    return lambda rows: max(taken.peak for name in names for taken in rows[name]) / MEGABYTE


def against_reading(rows: Rows) -> float:
    """A tree without SQLAlchemy, in multiples of reading its bytes; the start-up of each is left out."""
    reading = cpu(rows, "elsewhere-read") - cpu(rows, "startup")
    return (cpu(rows, "elsewhere-cold") - cpu(rows, "nothing")) / reading


TARGETS = (
    Target("no cache yet, in multiples of `ast.parse` of all files", "x", 1.3, ("cold", "ast"), ratio("cold", "ast")),
    Target("no cache yet, in multiples of ast-grep", "x", 1.0, ("cold", "ast-grep"), ratio("cold", "ast-grep")),
    Target("no cache yet, in multiples of semgrep", "x", 1.0, ("cold", "semgrep"), ratio("cold", "semgrep")),
    Target("a file that makes an engine changed", "s", 0.6, ("changed",), lambda rows: cpu(rows, "changed")),
    Target("a file without SQLAlchemy changed", "s", 0.6, ("changed-plain",), lambda rows: cpu(rows, "changed-plain")),
    Target(
        "one file without SQLAlchemy, in multiples of `python -I -c pass`",
        "x",
        8.0,
        ("file", "startup"),
        ratio("file", "startup"),
    ),
    Target(
        "one file that uses SQLAlchemy, in multiples of `python -I -c pass`",
        "x",
        8.0,
        ("file-clean", "startup"),
        ratio("file-clean", "startup"),
    ),
    Target(
        "a tree without SQLAlchemy, in multiples of reading its bytes (the start-up of each left out)",
        "x",
        3.0,
        ("elsewhere-cold", "elsewhere-read", "startup", "nothing"),
        against_reading,
    ),
    Target("peak memory, no cache yet", "MB", 200.0, ("cold",), peak("cold")),
    Target(
        "flake8 with the plugin, in multiples of flake8 without it",
        "x",
        1.05,
        ("flake8-poollint", "flake8"),
        ratio("flake8-poollint", "flake8"),
    ),
)


def judge(rows: Rows) -> tuple[Verdict, ...]:
    """Compare the rows with all targets."""
    return tuple(
        Verdict(
            target.text,
            target.unit,
            target.limit,
            target.actual(rows) if all(rows.get(name) for name in target.needs) else None,
        )
        for target in TARGETS
    )
