"""Which versions of SQLAlchemy, FastAPI and Flask-SQLAlchemy a program runs on, as far as its own files tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from poollint.program.declarations import Declaration

Numbers = tuple[int, ...]


class Version(Struct, frozen=True):
    """A version as far as it is known: (2, 0, 30) is that one, (1, 4) any 1.4.x, () may be any.

    `source` tells in words where it comes from. Both questions are answered with no where the numbers leave it open.
    """

    numbers: Numbers = ()
    source: str = "no file names it"

    def at_least(self, *wanted: int) -> bool:
        """Whether it is certainly `wanted` or a later version."""
        missing = len(wanted) - len(self.numbers)
        return (*self.numbers, *(0,) * missing) >= wanted

    def below(self, *wanted: int) -> bool:
        """Whether it is certainly an earlier version than `wanted`."""
        return _upper_end(self.numbers) < wanted

    def __str__(self) -> str:
        if not self.numbers:
            return "unknown"
        return ".".join(map(str, self.numbers)) if len(self.numbers) > 1 else f"{self.numbers[0]}.x"


class Versions(Struct, frozen=True):
    """What the rules ask about the libraries of a program."""

    sqlalchemy: Version = Version((2,), "no file names it, so 2.x is assumed")
    fastapi: Version = Version()
    flask_sqlalchemy: Version = Version()


UNDECLARED = Versions()
"""Those of a program that says nothing."""

KNOWN_LINES: Mapping[str, tuple[Numbers, ...]] = {
    "sqlalchemy": ((1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 0), (2, 1)),
    "fastapi": ((0, 81), (0, 105), (0, 117), (0, 120), (0, 165)),
    "flask-sqlalchemy": ((2, 5), (3, 0), (3, 1)),
}
"""Release lines that exist. Of FastAPI's many: the last ones before its behaviour changed, and the newest."""

_NEWEST = 999
"""Stands for the last release of a line in a comparison with a specifier."""


def versions_of(files: Mapping[str, bytes], option: str | None = None, option_source: str = "") -> Versions:
    """The versions that manifests and lock files name, given as contents by root-relative path.

    `option` is the setting `sqlalchemy-version`, which wins; `option_source` names the file that it stands in. Next
    come lock files, then the newest version that the declared ranges allow. Files that cannot be understood count as
    absent.
    """
    from poollint.program.declarations import declarations

    found: dict[str, list[Declaration]] = {package: [] for package in KNOWN_LINES}
    for declaration in declarations(files, frozenset(KNOWN_LINES)):
        found[declaration.package].append(declaration)
    versions = Versions(
        _chosen(found["sqlalchemy"]) or UNDECLARED.sqlalchemy,
        _chosen(found["fastapi"]) or UNDECLARED.fastapi,
        _chosen(found["flask-sqlalchemy"]) or UNDECLARED.flask_sqlalchemy,
    )
    if option is None:
        return versions
    where = f"sqlalchemy-version in {option_source}" if option_source else "sqlalchemy-version"
    return replace(versions, sqlalchemy=Version(tuple(map(int, option.split("."))), where))


def _chosen(found: Sequence[Declaration]) -> Version | None:
    """The version that the declarations of one package agree on best, None when they say nothing.

    One lock file decides: the first. Files that declare what the program needs hold together, so the lowest of them
    counts; files for development or an extra are alternatives, so the highest of them does.
    """
    from poollint.program.declarations import Rank

    for rank in Rank:
        by_file: dict[str, Version] = {}
        for declaration in found:
            version = _newest_allowed(declaration) if declaration.rank is rank else None
            if version is not None:
                known = by_file.get(declaration.file)
                by_file[declaration.file] = version if known is None else max(known, version, key=_end_of)
        if by_file:
            candidates = list(by_file.values())
            if rank is Rank.LOCKED:
                return candidates[0]
            return (min if rank is Rank.NEEDED else max)(candidates, key=_end_of)
    return None


def _newest_allowed(declaration: Declaration) -> Version | None:
    """The newest version that a specifier allows; None when it is none or allows nothing that is known."""
    from poollint.program.declarations import Rank

    allowed = _allowed(declaration.specifier, KNOWN_LINES[declaration.package])
    newest = max(allowed, key=_upper_end, default=None)
    if newest is None:
        return None
    if declaration.rank is Rank.LOCKED:
        return Version(newest, declaration.file)
    requirement = f"{declaration.package}{declaration.specifier}"
    if declaration.specifier.startswith("==") and len(newest) > 2:
        return Version(newest, f"{requirement} in {declaration.file}")
    return Version(newest, f"the newest that {requirement} in {declaration.file} allows")


def _allowed(specifier: str, lines: Iterable[Numbers]) -> list[Numbers]:
    """Lines of which the last release fits the specifier, and single releases near its bounds that fit."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion
    from packaging.version import Version as Release

    try:
        wanted = SpecifierSet(specifier)
        bounds = [(each.operator, Release(each.version.removesuffix(".*"))) for each in wanted]
    except (InvalidSpecifier, InvalidVersion):
        return []
    candidates = {line: f"{line[0]}.{line[1]}.{_NEWEST}" for line in lines}
    for operator, bound in bounds:
        release = (*bound.release, 0, 0)[: max(3, len(bound.release))]
        if operator in (">=", ">", "~=", "=="):
            candidates[release[:2]] = f"{release[0]}.{release[1]}.{_NEWEST}"
        if operator in ("<", "!="):
            before = _before(bound.release)
            if before is not None:
                end = f".{_NEWEST}" if len(before) == 2 else ""
                candidates[before] = ".".join(map(str, before)) + end
        else:
            candidates[release] = str(bound)
    return [numbers for numbers, text in candidates.items() if wanted.contains(text, prereleases=True)]


def _before(release: Numbers) -> Numbers | None:
    """The release or line just before: 2.0.39 for 2.0.40, 0.109 for 0.110.0; None before a major release."""
    while release and release[-1] == 0:
        release = release[:-1]
    return (*release[:-1], release[-1] - 1) if len(release) in (2, 3) else None


def _upper_end(numbers: Numbers) -> tuple[float, ...]:
    """The last version that the numbers can stand for."""
    return (*numbers, math.inf) if len(numbers) < 3 else numbers


def _end_of(version: Version) -> tuple[float, ...]:
    return _upper_end(version.numbers)
