"""A new analysis of one root: program reasoning, then all rules. The one place where the layers below meet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poollint.checking.results import RootResult, RuleName, StoredProblem, stored_verdict
from poollint.checking.selection import RuleRow
from poollint.checking.snapshot import Stamp, stamp
from poollint.checking.sources import FileReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poollint.checking.shared import Shared
    from poollint.config import Settings
    from poollint.program.analysis import ProgramResult
    from poollint.workspace.listing import Listing


class Analysed(NamedTuple):
    """The outcome, and the stamps of the files that were read on the way."""

    result: RootResult
    stamps: Mapping[str, Stamp]


AUTOMATIC_JOBS = 1
"""Where the user leaves it open: on the corpus no first batch of files was large enough to pay for more processes."""


class StampingReader(FileReader):
    """Stamps what it reads, so that a first run reads each file once."""

    __slots__ = ("stamps",)

    def __init__(self, root: str, buffers: Mapping[str, bytes]) -> None:
        super().__init__(root, buffers)
        self.stamps: dict[str, Stamp] = {}

    def __call__(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        data = super().__call__(path)
        if path not in self.buffers:
            self.stamps[path] = stamp(data)
        return data


def analyse_root(root: str, settings: Settings, shared: Shared, listing: Listing, reader: FileReader) -> Analysed:
    """All verdicts of all rules over the program of `root`. Raises `CheckError` when the user's models are wrong."""
    stamping = StampingReader(root, reader.buffers)
    if not listing.files and not reader.buffers:
        return Analysed(RootResult(rule_rows(), rule_names()), stamping.stamps)
    shared.latest = None
    shared.latest = analyse_program(root, settings, shared, listing, stamping)
    return Analysed(judged(shared.latest), stamping.stamps)


def judged(program: ProgramResult) -> RootResult:
    """What all rules say about a program."""
    from poollint.rules.registry import verdicts

    problems = (
        StoredProblem(problem.path, problem.line, problem.column, str(problem.kind), problem.message)
        for problem in program.problems
    )
    return RootResult(
        rules=rule_rows(),
        names=rule_names(),
        verdicts=tuple(stored_verdict(verdict) for verdict in verdicts(program.sites)),
        problems=tuple(sorted(problems)),
    )


def analyse_program(
    root: str, settings: Settings, shared: Shared, listing: Listing, reader: FileReader
) -> ProgramResult:
    """What the reasoning layer says about the program of `root`. Raises `CheckError` when the models are wrong."""
    from poollint.checking.declared import declared_versions
    from poollint.checking.shared import cache_of
    from poollint.facts.cache import FactsCache
    from poollint.program.analysis import ProgramRequest, analyse

    cache = cache_of(root, shared.options)
    models = tuple(Path(root, path) for path in settings.models)
    library = shared.library(models, cache.path if cache is not None else None)
    facts = FactsCache(cache, persistent=not reader.buffers) if cache is not None else None
    files = {entry.path for entry in listing.files} | set(reader.buffers)
    return analyse(
        ProgramRequest(
            root=Path(root),
            files=tuple(sorted(files)),
            manifests=tuple(entry.path for entry in listing.manifests),
            read=reader,
            library=library,
            facts_cache=facts,
            jobs=settings.jobs or AUTOMATIC_JOBS,
            everything=shared.options.everything,
            src=settings.src,
            versions=declared_versions(settings, listing, reader),
        )
    )


def rule_rows() -> tuple[RuleRow, ...]:
    """All rules, those that compete for a site first and in the order of precedence."""
    from poollint.rules.base import Family
    from poollint.rules.registry import PRECEDENCE, RULES

    rows = [
        RuleRow(rule.metadata.code, rule.metadata.default, "" if rule.family is Family.ALONE else rule.family.value)
        for rule in RULES
    ]
    return tuple(
        sorted(rows, key=lambda row: PRECEDENCE.index(row.code) if row.code in PRECEDENCE else len(PRECEDENCE))
    )


def rule_names() -> dict[str, RuleName]:
    """What a report says about each rule."""
    from poollint.rules.registry import RULES

    return {
        rule.metadata.code: RuleName(rule.metadata.name, rule.metadata.severity, rule.metadata.confidence)
        for rule in RULES
    }
