"""Records of registries, factories and their misuse in every shape, for the tests of what rules say."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.program.lifetimes.registry_sites import (
    FactorySite,
    Gap,
    Kept,
    KeptSites,
    MadeFrom,
    Misuse,
    MisuseSite,
    PairSite,
    RegistrySite,
    RegistryUse,
    Scoping,
    SharedSite,
)
from poollint.program.sites import Frequency, Pool, Span, Step, Times

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import EngineSite

_LONG = "a_rather_long_name_" * 6
_PLACE = Span("app/db.py", 1, 4, 1, 30)
_CHAIN = (Step(Span("main.py", 14, 0, 14, 40), "view() runs once per request"),)
_OFTEN = Frequency(Times.MANY, True, "request", "registered at main.py:14", _CHAIN, concurrent=True)
_WORDY = replace(_OFTEN, unit=f"call of {_LONG}()", entry=f"registered at {_LONG}/{_LONG}.py:14")
_UNKNOWN = Frequency(Times.NEVER, False)


def kept_matrix(handles: list[HandleSite], engine: EngineSite) -> KeptSites:
    """One record for each shape; names are short and long."""
    factories = (
        FactorySite(_at(number), number, name, "f", frequency, Kept.LOCAL, is_async, in_function=True, **read)
        for number, (name, frequency, is_async, read) in enumerate(
            itertools.product(
                ("sessionmaker", _LONG), (_OFTEN, _WORDY, _UNKNOWN), (True, False), ({}, {"read_after_commit": _PLACE})
            ),
            1,
        )
    )
    misuses = (
        MisuseSite(kind, _at(number), name, "execute", "f", frequency)
        for number, (kind, name, frequency) in enumerate(
            itertools.product(Misuse, ("Session", _LONG), (_OFTEN, _WORDY, _UNKNOWN)), 1
        )
    )
    null = replace(engine, pool=Pool.NULL)
    pairs = (PairSite(handle, null, scoped) for handle in handles for scoped in (True, False))
    shared = (SharedSite(replace(handle, is_async=False, at_module_level=True), (_use(_WORDY),)) for handle in handles)
    return KeptSites(tuple(_registries()), tuple(factories), tuple(misuses), tuple(pairs), tuple(shared))


def _registries() -> list[RegistrySite]:
    gap = Gap(_PLACE, f"Events.{_LONG}", "event", "after_request", _PLACE)
    shapes: tuple[dict[str, object], ...] = (
        {},
        {"kept": Kept.LOCAL},
        {"kept": Kept.LOCAL, "called_here": True},
        {"removals": (_PLACE,), "gaps": (gap,)},
        *({"made_from": made_from} for made_from in MadeFrom),
        *({"is_async": True, "scoping": scoping} for scoping in Scoping),
        *({"scoping": scoping} for scoping in Scoping),
    )
    return [
        RegistrySite(
            **{
                "span": _at(number),
                "chunk_line": number,
                "spelled": "scoped_session",
                "symbol": "f",
                "frequency": frequency,
                "kept": Kept.MODULE,
                "name": name,
                "uses": (_use(frequency), replace(_use(frequency), coroutine=True)),
                **shape,
            }
        )
        for number, (shape, name, frequency) in enumerate(
            itertools.product(shapes, ("", "Session", _LONG), (_OFTEN, _WORDY, _UNKNOWN)), 1
        )
    ]


def _use(frequency: Frequency) -> RegistryUse:
    return RegistryUse(_PLACE, f"{_LONG}.execute", "view", frequency)


def _at(line: int) -> Span:
    return replace(_PLACE, line=line, end_line=line)
