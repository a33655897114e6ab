"""Where wrong uses can be: the files at stake, each shown to the finders whose words it mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.library.markers import marker_scan
from poollint.program.misuses.app_contexts import AppContexts
from poollint.program.misuses.awaiting import Awaiting
from poollint.program.misuses.binding import Binding
from poollint.program.misuses.dependencies import Dependencies
from poollint.program.misuses.driver_state import DriverState
from poollint.program.misuses.handing import Handing
from poollint.program.misuses.kept_handles import KeptHandles
from poollint.program.misuses.never_committed import NeverCommitted
from poollint.program.misuses.reopened import Reopened
from poollint.program.misuses.session_connections import SessionConnections
from poollint.program.misuses.swallowed import Swallowed
from poollint.program.misuses.typed import Typed
from poollint.program.pooling.binds import WrongBinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.callers import Callers
    from poollint.program.injected import Injected
    from poollint.program.lifetimes.making import Makings
    from poollint.program.misuses.finder import Finder
    from poollint.program.misuses.sites import Misuse
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_SESSION_LIKE = b"ession"
"""A file that does not import SQLAlchemy itself uses a session by a name with this in it, in practice."""


def _mentions(data: bytes, markers: tuple[bytes, ...]) -> bool:
    for marker in markers:  # noqa: SIM110  (any() costs as much as a search in a small file)
        if marker in data:
            return True
    return False


class Misuses:
    """Builds `Misuse`s for one program."""

    def __init__(
        self, resolver: Resolver, callers: Callers, places: Places, makings: Makings, injected: Injected
    ) -> None:
        self._resolver = resolver
        self._imports = callers.mentions.imports
        typed = Typed(resolver)
        self._finders: tuple[Finder, ...] = (
            Swallowed(resolver, typed, places),
            Awaiting(resolver, places),
            Binding(resolver, places),
            SessionConnections(resolver, places),
            DriverState(resolver, typed, places),
            Handing(resolver, typed, callers, places, makings, injected),
            KeptHandles(resolver, typed, places, makings),
            Dependencies(resolver, places, makings, callers.mentions),
            AppContexts(resolver, callers, places),
            Reopened(resolver, callers.mentions, typed, places),
            NeverCommitted(resolver, callers, places),
            WrongBinds(resolver, places),
        )

    def of(self, homes: frozenset[str]) -> list[Misuse]:
        """All wrong uses, in order. `homes`: the files that make engines, sessions or connections."""
        project = self._resolver.project
        packages = frozenset(map(str.encode, self._resolver.library.session_packages))
        markers = sorted({marker for finder in self._finders for marker in finder.markers})
        found: set[Misuse] = set()
        is_marked = marker_scan(markers)
        for path in project.files:
            data = project.data(path)
            is_own = project.everything or not packages.isdisjoint(project.tokens(path))
            if not is_own and _SESSION_LIKE not in data:
                continue
            if is_marked(data) and (is_own or self._imports.leads_to(path, homes)):
                wanted = [finder for finder in self._finders if _mentions(data, finder.markers)]
                found.update(self._in_file(path, [finder for finder in wanted if finder.concerns(path)]))
        return sorted(found, key=lambda each: (each.span, each.kind.value))

    def _in_file(self, path: str, finders: list[Finder]) -> Iterator[Misuse]:
        facts = self._resolver.project.facts(path) if finders else None
        if facts is None:
            return
        for finder in finders:
            try:
                yield from list(finder.of(path, facts))
            except Exception as error:  # One finder that fails on one file; the others stand.
                self._resolver.project.failed(path, 1, error)
