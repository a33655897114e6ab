"""A stand-in for program reasoning: comments say what the rules judge, so that tests of what comes after need no luck.

    engine = make()  # verdict: POL101 error high main.py:3,app.py:7

The places after the confidence are the chain. Every file counts as read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.checking import analysing
from poollint.checking.results import RootResult, StoredProblem, StoredVerdict
from poollint.library import markers

if TYPE_CHECKING:
    import pytest

    from poollint.checking.shared import Shared
    from poollint.checking.sources import FileReader
    from poollint.config import Settings
    from poollint.workspace.listing import Listing

VERDICT = re.compile(r"# verdict: (?P<code>\w+) (?P<severity>\w+) (?P<confidence>\w+)(?: (?P<chain>\S+:\S+))?")
CALL = re.compile(r"make\(\w*\)")


class FakeProgram:
    """Counts its analyses, so that tests of the cache can tell whether one ran."""

    def __init__(self) -> None:
        self.analyses = 0
        self.jobs = 0

    def analyse_root(
        self, root: str, settings: Settings, shared: Shared, listing: Listing, reader: FileReader
    ) -> analysing.Analysed:
        self.analyses += 1
        self.jobs = settings.jobs
        stamping = analysing.StampingReader(root, reader.buffers)
        verdicts: list[StoredVerdict] = []
        problems: list[StoredProblem] = []
        for path in sorted({entry.path for entry in listing.files} | set(reader.buffers)):
            try:
                text = stamping(path).decode()
                compile(text, path, "exec")
            except OSError as error:
                problems.append(StoredProblem(path, 1, 0, "unreadable", str(error)))
            except SyntaxError as error:
                problems.append(StoredProblem(path, error.lineno or 1, (error.offset or 1) - 1, "syntax", error.msg))
            else:
                verdicts += verdicts_of(path, text)
        result = RootResult(analysing.rule_rows(), analysing.rule_names(), tuple(verdicts), tuple(problems))
        return analysing.Analysed(result, stamping.stamps)


def verdicts_of(path: str, text: str) -> list[StoredVerdict]:
    """What the comments of one file say."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for match in VERDICT.finditer(line):
            call = CALL.search(line)
            assert call, line
            place = (path, number, len(line[: call.start()].encode()), number, len(line[: call.end()].encode()))
            steps = [step.rsplit(":", 1) for step in (match["chain"] or "").split(",") if step]
            chain = tuple(((step, int(at), 0, int(at), 4), f"step at {step}") for step, at in steps)
            found.append(
                StoredVerdict(
                    match["code"],
                    place,
                    place,
                    number,
                    "",
                    "an engine: make it once",
                    match["severity"],
                    match["confidence"],
                    chain,
                    "make it at import",
                    "display",
                )
            )
    return found


def install(monkeypatch: pytest.MonkeyPatch) -> FakeProgram:
    """Put the stand-in where the analysis is."""
    fake = FakeProgram()
    monkeypatch.setattr(analysing, "analyse_root", fake.analyse_root)
    monkeypatch.setattr(markers, "OWN_MARKERS", (b"",))  # each file has it
    return fake
