"""The way from a listing to sites: find the acquisitions, find who runs them, and judge how often."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from poollint.program.acquisitions import Acquisition, Acquisitions
from poollint.program.alternatives import with_alternatives
from poollint.program.callers import Callers
from poollint.program.ceilings import Ceilings
from poollint.program.disposals import Disposals
from poollint.program.engines import Engines
from poollint.program.explain import Explainer
from poollint.program.frequency import Frequencies
from poollint.program.guards import Guards
from poollint.program.holding.analysis import Holdings
from poollint.program.injected import Injected
from poollint.program.lifetimes.analysis import Lifetimes
from poollint.program.lifetimes.disposing import Disposing
from poollint.program.lifetimes.keeping import Keeping
from poollint.program.misuses.search import Misuses
from poollint.program.names import Resolver
from poollint.program.own_caches import OwnCaches
from poollint.program.per_test import PerTest
from poollint.program.places import Places
from poollint.program.pooling.search import Pools
from poollint.program.predicates import Predicates
from poollint.program.project import Problem, Project
from poollint.program.registrations import Registrations
from poollint.program.scripts import console_scripts
from poollint.program.sites import EngineSite, Holder, ProgramSites, Span
from poollint.program.versions import UNDECLARED, Versions
from poollint.workspace.manifests import is_project_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from poollint.facts.cache import FactsCache
    from poollint.library.loader import Library
    from poollint.program.graph import Node
    from poollint.program.lifetimes.making import Making
    from poollint.program.lifetimes.sites import HandleSite

__all__ = ["Problem", "ProgramRequest", "ProgramResult", "analyse"]


MUCH_GARBAGE = 200_000
"""Objects made since the last collection: what two programs of a thousand files leave behind, some 80 MB."""


class ProgramRequest(Struct, frozen=True):
    """What to analyse. Paths are relative to the root, with `/`; `read` gives a file's bytes and raises OSError.

    `jobs`: processes that extract the first batch of files. `everything` reads every file instead of those at stake:
    slower, and the same answer (a test proves it).
    """

    root: Path
    files: tuple[str, ...]
    manifests: tuple[str, ...]
    read: Callable[[str], bytes]
    library: Library
    facts_cache: FactsCache | None = None
    jobs: int = 1
    everything: bool = False
    src: tuple[str, ...] = ()
    versions: Versions = UNDECLARED


class ProgramResult(Struct, frozen=True):
    """The sites for the rules, the files that could not be analysed, and the files that had to be parsed."""

    sites: ProgramSites
    problems: tuple[Problem, ...] = ()
    parsed: tuple[str, ...] = ()
    explainer: Explainer | None = None

    def explain(self, path: str, line: int) -> list[str]:
        """What is known of a line, in sentences; see `poollint explain`."""
        return self.explainer.explain(path, line) if self.explainer is not None else []


def analyse(request: ProgramRequest) -> ProgramResult:
    """Analyse one program. Pure but for `request.read` and the facts cache; never raises for what it reads."""
    enabled = gc.isenabled()
    if gc.get_count()[0] > MUCH_GARBAGE:
        gc.collect()  # What earlier roots of the same run left behind are big cycles.
    gc.disable()  # Millions of small records that all live until the end: collecting them costs a third of the time.
    try:
        return _analyse(request)
    finally:
        if enabled:
            gc.enable()


def _analyse(request: ProgramRequest) -> ProgramResult:
    project = Project(request.files, request.read, request.facts_cache, request.src, request.everything)
    resolver = Resolver(project, request.library)
    places = Places(resolver)
    predicates = Predicates(resolver, places, console_scripts(project, filter(is_project_file, request.manifests)))
    registrations = Registrations(resolver, places, predicates)
    guards = Guards(resolver)
    callers = Callers(resolver, guards, registrations, places)
    own_caches = OwnCaches(resolver, guards)
    frequencies = Frequencies(callers, places, Ceilings(resolver, own_caches))
    disposing = Disposing(resolver, callers.mentions)
    engines = Engines(resolver, guards, own_caches, callers, frequencies, places, disposing)
    disposals = Disposals(resolver, callers, frequencies, places, disposing)
    lifetimes = Lifetimes(resolver, callers, frequencies, places)
    holdings = Holdings(resolver, callers, frequencies, places, lifetimes)

    holding = project.marked(request.library.markers)
    finder = Acquisitions(resolver, callers.mentions)
    if request.jobs > 1:
        project.prefetch(finder.files(holding), request.jobs)
    acquisitions = finder.of(holding)
    disposed = disposals.calls(_disposing_files(project, holding)) if acquisitions else []
    nodes: list[Node] = []
    for acquisition in acquisitions:
        nodes += _nodes(project, acquisition.path, engines.line(acquisition), partial(engines.nodes, acquisition))
    nodes.extend(node for path, index in disposed for node in disposals.nodes(path, index))
    makings = lifetimes.makings()
    for making in makings:
        nodes += _nodes(project, making.path, lifetimes.line(making), partial(lifetimes.nodes, making))
    importing = project.importing(holding, request.library.session_packages)
    homes = frozenset((*importing, *(each.path for each in makings)))
    injected = Injected.of(project, homes)
    held = holdings.find(makings, injected)
    nodes.extend(node for each in held for node in holdings.nodes(each))
    keeping = Keeping(resolver, callers, frequencies, places)
    kept = keeping.found(acquisitions, makings)
    nodes.extend(kept.nodes)
    pools = Pools(resolver, frequencies, places, request.versions.sqlalchemy)
    pooled = pools.found(acquisitions, makings, kept.registries)
    nodes.extend(node for each in pooled.values() for node in pools.nodes(each))
    frequencies.settle(nodes)

    finished = _finished(project, engines, acquisitions)
    sites = with_alternatives(resolver, finished)
    sites.extend(PerTest(resolver, callers, engines).sites(acquisitions, sites))
    handles = list(_handles(project, lifetimes, makings))
    found = ProgramSites(
        tuple(sorted(_with_twins(sites), key=lambda site: (site.span, site.symbol))),
        tuple(sorted((disposals.site(path, index) for path, index in disposed), key=lambda site: site.span)),
        tuple(sorted((*(site for _, site in handles), *lifetimes.exit_sites()), key=lambda site: site.span)),
        kept=keeping.sites(kept, finished, handles),
        held=tuple(holdings.site(each) for each in held),
        misuses=tuple(Misuses(resolver, callers, places, lifetimes.makers, injected).of(homes)),
        versions=request.versions,
        pools=pools.sites(pooled, finished),
    )
    if request.facts_cache is not None:
        request.facts_cache.save()
    problems = tuple(sorted(set(project.problems), key=lambda problem: (problem.path, problem.line, problem.message)))
    return ProgramResult(found, problems, project.parsed, Explainer(resolver, callers, frequencies, found))


def _finished(
    project: Project, engines: Engines, acquisitions: list[Acquisition]
) -> list[tuple[Acquisition, EngineSite]]:
    """The sites; one that cannot be judged is noted and left out, the others stand."""
    sites = []
    for acquisition in acquisitions:
        try:
            site = engines.site(acquisition)
        except Exception as error:
            project.failed(acquisition.path, engines.line(acquisition), error)
            continue
        if site is not None:
            sites.append((acquisition, site))
    return sites


def _nodes(project: Project, path: str, line: int, find: Callable[[], Iterable[Node]]) -> list[Node]:
    """What `find` gives for the site at that place; one that cannot be followed is noted and has no nodes."""
    try:
        return list(find())
    except Exception as error:
        project.failed(path, line, error)
        return []


def _handles(project: Project, lifetimes: Lifetimes, makings: list[Making]) -> Iterator[tuple[Making, HandleSite]]:
    """The sessions and connections, in order; one that cannot be judged is noted and left out."""
    for making in makings:
        try:
            yield making, lifetimes.site(making)
        except Exception as error:
            project.failed(making.path, lifetimes.line(making), error)


def _disposing_files(project: Project, holding: list[str]) -> list[str]:
    """Files that call dispose() and hold an engine or import something from a file that does."""
    modules = {path.rpartition("/")[2].removesuffix(".py") for path in holding}
    modules |= {path.split("/")[-2] for path in holding if path.endswith("/__init__.py") and "/" in path}
    tokens = tuple(name.encode(errors="surrogateescape") for name in sorted(modules) if name != "__init__")
    own = set(holding)
    return [
        path
        for path in project.containing((b".dispose",))
        if path in own or any(token in project.data(path) for token in tokens)
    ]


def _with_twins(sites: list[EngineSite]) -> list[EngineSite]:
    """Mark module-level engines that share URL and settings, the first of them first."""
    groups: dict[tuple[object, ...], list[Span]] = {}
    for site in sites:
        if _may_be_twin(site):
            groups.setdefault(_twin_key(site), []).append(site.span)
    result = []
    for site in sites:
        twins = tuple(sorted(groups.get(_twin_key(site), ()))) if _may_be_twin(site) else ()
        result.append(replace(site, twins=twins) if len(twins) > 1 else site)
    return result


def _may_be_twin(site: EngineSite) -> bool:
    return (
        bool(site.url)
        and site.holder is Holder.MODULE
        and not site.in_test
        and not site.in_migration
        and not site.hidden
    )


def _twin_key(site: EngineSite) -> tuple[object, ...]:
    return (site.url, site.settings, site.is_async)
