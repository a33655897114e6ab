"""What outlives a function: registries, factories, shared sessions; from the files that name them to sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from poollint.program.graph import Run
from poollint.program.lifetimes.factories import Factories
from poollint.program.lifetimes.misuse import Misuses
from poollint.program.lifetimes.origins import Origins
from poollint.program.lifetimes.registries import Registries
from poollint.program.lifetimes.registry_sites import KeptSites, SharedSite
from poollint.program.lifetimes.shared_uses import SharedUses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from poollint.program.acquisitions import Acquisition
    from poollint.program.callers import Callers
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.lifetimes.factories import Factory
    from poollint.program.lifetimes.making import Making
    from poollint.program.lifetimes.misuse import Found
    from poollint.program.lifetimes.registries import Registry
    from poollint.program.lifetimes.session_uses import Doing
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.sites import EngineSite

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Kept(Struct):
    """What was found before frequencies are known, and the nodes whose frequencies are asked for."""

    registries: list[Registry] = []
    factories: list[Factory] = []
    misuses: list[Found] = []
    shared: list[tuple[Making, dict[tuple[str, int], Doing]]] = []
    nodes: list[Node] = []


class Keeping:
    """Builds `KeptSites`."""

    def __init__(self, resolver: Resolver, callers: Callers, frequencies: Frequencies, places: Places) -> None:
        self._resolver = resolver
        self._registries = Registries(resolver, callers, frequencies, places)
        self._factories = Factories(resolver, callers, frequencies, places)
        self._misuses = Misuses(resolver, callers, frequencies, places)
        self._shared = SharedUses(resolver, callers.mentions, frequencies, places)

    def found(self, acquisitions: Sequence[Acquisition], makings: Iterable[Making]) -> Kept:
        """Everything, with the nodes that it needs. What cannot be followed is noted and left out."""
        kept = Kept()
        try:
            kept.registries = self._registries.found()
            kept.factories = self._factories.found()
            kept.misuses = self._misuses.found(kept.factories, kept.registries, acquisitions)
            shared = (making for making in makings if self._shared.is_shared(making))
            kept.shared = [(making, self._shared.doing(making)) for making in shared]
        except Exception as error:
            self._resolver.project.failed(self._resolver.project.files[0], 1, error)
        kept.nodes.extend(node for registry in kept.registries for node in self._registries.nodes(registry))
        kept.nodes.extend(node for factory in kept.factories for node in self._factories.nodes(factory))
        kept.nodes.extend(node for misuse in kept.misuses for node in self._misuses.nodes(misuse))
        kept.nodes.extend(Run(*place) for _, doing in kept.shared for place in sorted(doing))
        return kept

    # ---------------------------------------------------------------------------------------------- sites
    def sites(
        self,
        kept: Kept,
        engines: Iterable[tuple[Acquisition, EngineSite]],
        handles: Sequence[tuple[Making, HandleSite]],
    ) -> KeptSites:
        """The finished sites."""
        origins = Origins(self._resolver, {(made.path, made.call): site for made, site in engines})
        by_making = {(making.path, making.call): site for making, site in handles}
        pairs = self._each(
            handles, lambda item: origins.pair(*item), lambda item: (item[1].span.path, item[1].span.line)
        )
        return KeptSites(
            self._each(
                kept.registries,
                lambda registry: self._registries.site(registry, origins),
                lambda registry: (registry.path, self._registries.line(registry)),
            ),
            self._each(
                kept.factories,
                lambda factory: self._factories.site(factory, kept.factories),
                lambda factory: (factory.path, self._factories.line(factory)),
            ),
            self._each(kept.misuses, self._misuses.site, lambda found: (found[1], found[2].line)),
            tuple(pair for pair in pairs if pair is not None),
            tuple(
                SharedSite(by_making[making.path, making.call], self._shared.all_uses(making, doing))
                for making, doing in kept.shared
                if (making.path, making.call) in by_making
            ),
        )

    def _each(
        self,
        items: Iterable[_Item],
        make: Callable[[_Item], _Result],
        place: Callable[[_Item], tuple[str, int]],
    ) -> tuple[_Result, ...]:
        """The results for all items; one that cannot be judged is noted and left out, the others stand."""
        results = []
        for item in items:
            try:
                results.append(make(item))
            except Exception as error:
                self._resolver.project.failed(*place(item), error)
        return tuple(results)
