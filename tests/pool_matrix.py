"""Records of pools in every shape, for the tests of what rules say."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.program.lifetimes.registry_sites import RegistryUse
from poollint.program.pooling.sites import Fault, FaultKind, PoolSite, Storage
from poollint.program.sites import Frequency, Holder, Span, Times

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite

_LONG = "a_rather_long_name_" * 6
_OFTEN = Frequency(
    Times.MANY, True, "request", "registered at main.py:14", contexts=frozenset({"request"}), concurrent=True
)
_WORDY = replace(_OFTEN, unit=f"call of {_LONG}()", entry=f"registered at {_LONG}/{_LONG}.py:14")
_SINGLE = ("StaticPool", "SingletonThreadPool")


def pool_matrix(engine: EngineSite) -> list[PoolSite]:
    """One record for each shape; names are short and long."""
    faults = itertools.product(
        FaultKind, ("NullPool", "FallbackAsyncAdaptedQueuePool"), (("pool_size",), (_LONG, _LONG)), ("", "pool_size")
    )
    shapes: list[dict[str, object]] = [
        {"faults": (Fault(*parts, chosen=chosen),)} for parts in faults for chosen in (True, False)
    ]
    shapes += [{"storage": storage} for storage in Storage]
    shapes += [{"lender": lender} for lender in ("ConnectionPool.getconn", _LONG)]
    shapes += [
        {"pool": f"sqlalchemy.pool.{name}", "single": name in _SINGLE, "storage": storage, "uses": (_use(frequency),)}
        for name, storage, frequency in itertools.product((*_SINGLE, "NullPool"), Storage, (_OFTEN, _WORDY))
    ]
    return [
        _at(number, engine, is_async, shape)
        for number, (shape, is_async) in enumerate(itertools.product(shapes, (True, False)), 1)
    ]


def _at(number: int, engine: EngineSite, is_async: bool, shape: dict[str, object]) -> PoolSite:
    place = Span("app/pools.py", number, 4, number, 30)
    spelled = f"sa.{_LONG}" if number % 3 else "create_async_engine"
    made = replace(engine, holder=Holder.MODULE, span=place, chunk_line=number, is_async=is_async, spelled=spelled)
    return PoolSite(made, **shape)  # type: ignore[arg-type]


def _use(frequency: Frequency) -> RegistryUse:
    return RegistryUse(Span("app/views.py", 9, 4, 9, 30), "engine.connect", _LONG, frequency)
