"""Programs without any marker: nothing in them makes an engine, and that is known after one look at each file.

Such a program costs little more than reading it: no knowledge is loaded, nothing is parsed, no content is hashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from poollint.checking import snapshot
from poollint.checking.results import RootResult, StoredProblem
from poollint.checking.snapshot import UNHASHED, Snapshot, Stamp
from poollint.library import markers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poollint.checking.sources import FileReader
    from poollint.workspace.listing import Listing


class Markerless(NamedTuple):
    """What is known of a program without markers: its snapshot, and its result."""

    taken: Snapshot
    result: RootResult


def look(listing: Listing, known: Mapping[str, Stamp], reader: FileReader) -> Markerless | None:
    """What a program without markers looks like; None as soon as a file has one.

    `known` holds stamps of files that had no marker and have not changed. The buffers of `reader` count too.
    """
    is_marked = markers.marker_scan(frozenset(markers.OWN_MARKERS) - markers.NEVER_ALONE)
    if any(map(is_marked, reader.buffers.values())):
        return None
    stamps: dict[str, Stamp] = dict.fromkeys((entry.path for entry in listing.manifests), Stamp(UNHASHED))
    problems = []
    for entry in listing.files:
        path = entry.path
        stamp = known.get(path)
        if stamp is None:
            try:
                data = reader.from_disk(path)
            except OSError as error:
                stamp = Stamp(snapshot.UNREADABLE)
                problems.append(StoredProblem(path, 1, 0, "unreadable", error.strerror or str(error)))
            else:
                if is_marked(data):
                    return None
                own = snapshot.has_own_comments(data)
                stamp = Stamp(UNHASHED, own, own)  # nothing is reported here that a noqa could suppress
        stamps[path] = stamp
    commented = any(stamp.has_own_comments for stamp in stamps.values())
    commented |= any(map(snapshot.has_own_comments, reader.buffers.values()))
    return Markerless(Snapshot(listing, stamps, UNHASHED, ""), without_verdicts(tuple(problems), commented))


def without_verdicts(problems: tuple[StoredProblem, ...], commented: bool) -> RootResult:
    """No verdict. The rules are imported for comments alone: those that are of no use are findings."""
    if not commented:
        return RootResult(problems=problems)
    from poollint.checking.analysing import rule_names, rule_rows

    return RootResult(rule_rows(), rule_names(), problems=problems)
