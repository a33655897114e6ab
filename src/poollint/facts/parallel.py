"""Facts of many files at once, in worker processes.

Only the first, largest batch of a cold run is worth the processes: later files are asked for a few at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts.extract import extract
from poollint.facts.model import ModuleFacts, SyntaxProblem, decoder, encoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SMALLEST_BATCH = 64
"""Below this many files starting the processes costs more than they save."""


def extract_many(files: Sequence[tuple[str, bytes]], jobs: int) -> Iterator[ModuleFacts | SyntaxProblem]:
    """The facts of each (path, content), in order. Falls back to this process when no other can be started."""
    if jobs < 2 or len(files) < SMALLEST_BATCH:
        yield from (extract(data, path) for path, data in files)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    done = 0
    try:
        with ProcessPoolExecutor(max_workers=jobs) as executor:
            for answer in executor.map(_extracted, files, chunksize=max(len(files) // (jobs * 4), 1)):
                yield decoder.decode(answer) if isinstance(answer, bytes) else SyntaxProblem(*answer)
                done += 1
    except (OSError, BrokenProcessPool):
        yield from (extract(data, path) for path, data in files[done:])


def _extracted(file: tuple[str, bytes]) -> bytes | tuple[str, str, int, int]:
    """Facts as msgpack, or the fields of the problem: what crosses the process boundary is plain data."""
    path, data = file
    facts = extract(data, path)
    if isinstance(facts, SyntaxProblem):
        return (facts.kind, facts.message, facts.line, facts.column)
    return encoder.encode(facts)
