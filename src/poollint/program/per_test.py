"""Objects made for each test that own an engine: `setUp` builds a repository, whose constructor builds a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.program import spans
from poollint.program.engines import is_server_url
from poollint.program.expressions import last_name, values_given
from poollint.program.sites import EngineSite, Escape, Frequency, Holder, Pool, Release, Span, Times

if TYPE_CHECKING:
    from poollint.facts import model
    from poollint.program.acquisitions import Acquisition
    from poollint.program.callers import Callers
    from poollint.program.engines import Engines
    from poollint.program.names import Resolver
    from poollint.program.values import ClassValue


class PerTest:
    """Finds the constructions in tests."""

    def __init__(self, resolver: Resolver, callers: Callers, engines: Engines) -> None:
        self._resolver = resolver
        self._callers = callers
        self._engines = engines

    def sites(self, acquisitions: list[Acquisition], sites: list[EngineSite]) -> list[EngineSite]:
        """A site for each construction, in setUp or a per-test fixture, of a class whose __init__ keeps an engine."""
        by_span = {site.span: site for site in sites}
        found: dict[Span, EngineSite] = {}
        for acquisition in acquisitions:
            call = self._resolver.call(acquisition.path, acquisition.call)
            site = by_span.get(spans.of(acquisition.path, call))
            if site is None or site.holder is not Holder.INIT or Escape.STORED_ON_SELF not in site.escapes:
                continue
            if site.pool is Pool.NULL or site.in_memory or site.release is Release.ALWAYS or site.guarded_once:
                continue
            owner = self._engines.owners.around(acquisition.path, call.scope)
            if owner is not None and not site.in_test:
                self._constructions(owner, site, found)
        return list(found.values())

    def _constructions(self, owner: ClassValue, site: EngineSite, found: dict[Span, EngineSite]) -> None:
        name = self._resolver.scope(owner.path, owner.scope).name
        for path in self._resolver.project.mentioning(name):
            if not self._engines.places.is_test(path):
                continue
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            for index, call in enumerate(facts.calls):
                if not self._constructs(path, index, call, owner, name):
                    continue
                if not self._engines.memos.is_per_test(path, call.scope) or self._is_sqlite(path, call):
                    continue
                span = spans.of(path, call)
                found[span] = replace(
                    site,
                    span=span,
                    chunk_line=call.line,
                    spelled=name,
                    symbol=facts.scopes[call.scope].qualname,
                    holder=Holder.FUNCTION,
                    frequency=Frequency(Times.NEVER, False),
                    in_test=True,
                    made_per_test=True,
                    overwritten=(),
                    loop=None,
                    memo=None,
                    inline_into="",
                )

    def _constructs(self, path: str, index: int, call: model.Call, owner: ClassValue, name: str) -> bool:
        return last_name(call.func) == name and owner in self._resolver.callee(path, index)

    def _is_sqlite(self, path: str, call: model.Call) -> bool:
        """No argument is the constant URL of a server, and the file names an SQLite URL."""
        if any(is_server_url(self._engines.arguments.folded(path, call.scope, each)) for each in values_given(call)):
            return False
        return self._engines.memos.speaks_of_sqlite(path)
