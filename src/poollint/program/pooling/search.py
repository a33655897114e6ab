"""From the engines of a program to what is known of their pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.library.model import Owner
from poollint.program import spans
from poollint.program.arguments import url_argument
from poollint.program.expressions import is_none, spelled
from poollint.program.graph import Run
from poollint.program.lifetimes.making import Making
from poollint.program.lifetimes.registry_sites import RegistryUse
from poollint.program.pooling.certain import Certain
from poollint.program.pooling.creators import Creators
from poollint.program.pooling.databases import UNKNOWN, database, default_pool
from poollint.program.pooling.faults import EngineCall, Faults, is_in_branch
from poollint.program.pooling.sites import PoolSite
from poollint.program.pooling.uses import EnginesBehind, Place
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from poollint.facts import model
    from poollint.program.acquisitions import Acquisition
    from poollint.program.frequency import Frequencies
    from poollint.program.graph import Node
    from poollint.program.lifetimes.registries import Registry
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.pooling.databases import Database
    from poollint.program.sites import EngineSite
    from poollint.program.versions import Version

_NULL = "sqlalchemy.pool.NullPool"
_POOLERS = (b"bouncer", b"Bouncer", b"BOUNCER", b"pooler", b"rds-proxy", b"rds_proxy", b":6432", b":6543")
"""What a program says that has a pooler between itself and the server, PgBouncer above all."""


class Pooled(Struct):
    """One engine before frequencies are known. `users`: calls of sessions and connections that stand on it."""

    call: EngineCall
    chosen: bool
    open_ended: bool
    users: list[Place] = []


class Pools:
    """Builds `PoolSite`s."""

    def __init__(self, resolver: Resolver, frequencies: Frequencies, places: Places, version: Version) -> None:
        self._resolver = resolver
        self._library = resolver.library
        self._frequencies = frequencies
        self._places = places
        self._version = version
        self._certain = Certain(resolver)
        self._creators = Creators(resolver)
        self._faults = Faults(resolver, self._certain, version)

    def found(
        self, acquisitions: Iterable[Acquisition], makings: Sequence[Making], registries: Sequence[Registry]
    ) -> dict[Place, Pooled]:
        """The engines of SQLAlchemy's own functions, with who uses those of which a rule asks it."""
        pooled = {}
        for each in acquisitions:
            if _is_own(each):
                try:
                    pooled[each.path, each.call] = self._pooled(each)
                except Exception as error:
                    self._resolver.project.failed(each.path, self._resolver.call(each.path, each.call).line, error)
        judged = frozenset(place for place, each in pooled.items() if self._is_judged_by_use(place, each))
        behind = EnginesBehind(self._resolver, self._certain, judged)
        makers: list[Making | Registry] = [*makings, *registries] if judged else []
        for maker in makers:
            engine = behind.of_call(maker.path, maker.call)
            if engine is not None:
                pooled[engine].users.extend(_users(maker))
        return pooled

    def nodes(self, pooled: Pooled) -> list[Node]:
        """The nodes whose frequencies the site needs."""
        return [Run(path, self._resolver.call(path, index).scope) for path, index in pooled.users]

    def sites(
        self, pooled: dict[Place, Pooled], engines: Iterable[tuple[Acquisition, EngineSite]]
    ) -> tuple[PoolSite, ...]:
        """The finished sites, in order; one that cannot be judged is noted and left out."""
        sites = []
        for acquisition, engine in engines:
            each = pooled.get((acquisition.path, acquisition.call))
            if each is not None:
                try:
                    sites.append(self._site(each, engine))
                except Exception as error:
                    self._resolver.project.failed(acquisition.path, engine.span.line, error)
        return tuple(sorted(sites, key=lambda site: site.span))

    def _site(self, pooled: Pooled, engine: EngineSite) -> PoolSite:
        made = pooled.call
        path, call = made.path, made.call
        return PoolSite(
            engine,
            made.pool,
            pooled.chosen,
            made.database.storage,
            pooled.open_ended,
            single=self._is_single(made.pool),
            in_branch=is_in_branch(self._resolver.scope(path, call.scope), call),
            external=self._has_pooler(pooled),
            lender=self._creators.lender(path, call.scope, made.keywords),
            faults=() if engine.in_test else self._faults.of(made),
            uses=tuple(self._use(*place) for place in pooled.users),
        )

    # ---------------------------------------------------------------------------------------------- the call
    def _pooled(self, acquisition: Acquisition) -> Pooled:
        path, row = acquisition.path, acquisition.factory
        call = self._resolver.call(path, acquisition.call)
        keywords, open_ended = self._certain.keywords(path, call)
        of = self._database(path, call, url_argument(call, row) if row.url is not None else None)
        given = next((keywords[name] for name in ("poolclass", "pool") if _is_given(keywords, name)), None)
        if given is not None:
            pool = self._chosen(path, call, given)
        else:
            pool = "" if open_ended else default_pool(self._library, self._version, of, row.is_async)
        return Pooled(EngineCall(path, call, row.is_async, keywords, of, pool), given is not None, open_ended)

    def _database(self, path: str, call: model.Call, url: model.Expr | None) -> Database:
        if url is None:
            return UNKNOWN
        text = self._certain.text(path, call.scope, url)
        beginning = text or self._certain.beginning(path, call.scope, url)
        return database(self._library, self._version, beginning, complete=bool(text))

    def _chosen(self, path: str, call: model.Call, given: model.Expr) -> str:
        value = self._certain.value(path, call.scope, given)
        row = self._library.pool_class(value.fqn) if isinstance(value, External) else None
        return row.fqn if row is not None else ""

    # ---------------------------------------------------------------------------------------------- its users
    def _is_judged_by_use(self, place: Place, pooled: Pooled) -> bool:
        """A NullPool that is chosen, or a pool of one connection, outside of tests."""
        pool = pooled.call.pool
        judged = (pooled.chosen and pool == _NULL) or self._is_single(pool)
        return judged and not self._places.is_test(place[0])

    def _is_single(self, pool: str) -> bool:
        row = self._library.pool_class(pool) if pool else None
        return row is not None and row.single

    def _has_pooler(self, pooled: Pooled) -> bool:
        asked = bool(pooled.users) and pooled.call.pool == _NULL
        return asked and self._resolver.project.holds(_POOLERS)

    def _use(self, path: str, index: int) -> RegistryUse:
        facts = self._resolver.facts(path)
        call = facts.calls[index]
        scope = facts.scopes[call.scope]
        return RegistryUse(
            spans.of(path, call),
            spelled(call.func, facts),
            scope.qualname,
            self._frequencies.of(Run(path, call.scope)),
            coroutine=scope.is_async,
            in_test=self._places.is_test(path),
        )


def _users(maker: Making | Registry) -> Iterator[Place]:
    """Where a session or connection is made; for a registry, the first statement of each function on its sessions."""
    if isinstance(maker, Making):
        yield maker.path, maker.call
        return
    for (path, _), doing in sorted(maker.doing.items()):
        calls = [index for index in doing.takes if index >= 0]
        if calls:
            yield path, min(calls)


def _is_given(keywords: dict[str, model.Expr], name: str) -> bool:
    return name in keywords and not is_none(keywords[name])


def _is_own(acquisition: Acquisition) -> bool:
    """One of SQLAlchemy's own functions, called here: wrappers may treat arguments in their own way."""
    row = acquisition.factory
    is_plain = not row.hidden and not row.pool_only and not row.method and row.owner is Owner.CALL
    return is_plain and not acquisition.registered and row.fqn.startswith("sqlalchemy.")
