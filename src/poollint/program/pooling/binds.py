"""POL309: an async session on a sync engine, and a sync one on an async engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import last_name, spelled
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.pooling.certain import Certain
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.facts import model
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_ENGINE = "sqlalchemy.engine.Engine"
_ASYNC_ENGINE = "sqlalchemy.ext.asyncio.AsyncEngine"
_MAKERS = frozenset({"Session", "AsyncSession", "sessionmaker", "async_sessionmaker"})
_SYNC = frozenset({"sqlalchemy.orm.Session", "sqlmodel.Session"})
_ASYNC = frozenset(
    {
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlalchemy.ext.asyncio.async_sessionmaker",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)
_FACTORY = "sqlalchemy.orm.sessionmaker"


class WrongBinds(Finder):
    """Looks at the engine that a session or sessionmaker is given."""

    markers = (b"create_async_engine", b"AsyncSession(", b"async_sessionmaker(", b"class_=AsyncSession")

    def __init__(self, resolver: Resolver, places: Places) -> None:
        self._resolver = resolver
        self._places = places
        self._certain = Certain(resolver)

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The sessions and factories of a file that have an engine of the other kind."""
        for index, call in enumerate(facts.calls):
            if last_name(call.func) not in _MAKERS:
                continue
            made = self._certain.value(path, call.scope, call.func)
            wanted = self._wanted(path, call, made.fqn) if isinstance(made, External) else ""
            given = self._engine(path, call) if wanted else ""
            if given and given != wanted:
                yield Misuse(
                    MisuseKind.WRONG_BIND,
                    spans.of(path, call),
                    facts.scopes[call.scope].qualname,
                    spelled(facts.calls[index].func, facts),
                    detail="async" if given == _ASYNC_ENGINE else "sync",
                    in_test=self._places.is_test(path),
                    in_migration=self._places.is_migration(path),
                )

    def _wanted(self, path: str, call: model.Call, made: str) -> str:
        """The engine that the class works with; "" where that is not certain."""
        name = self._resolver.library.canonical(made)
        if name in _SYNC:
            return _ENGINE
        if name in _ASYNC:
            return _ASYNC_ENGINE
        if name != _FACTORY:
            return ""
        keywords, open_ended = self._certain.keywords(path, call)
        if "class_" not in keywords:
            return "" if open_ended or len(call.args) > 1 else _ENGINE
        chosen = self._certain.value(path, call.scope, keywords["class_"])
        chosen_name = self._resolver.library.canonical(chosen.fqn) if isinstance(chosen, External) else ""
        return _ENGINE if chosen_name in _SYNC else _ASYNC_ENGINE if chosen_name in _ASYNC else ""

    def _engine(self, path: str, call: model.Call) -> str:
        """The class of the engine that is given; "" where that is not certain."""
        given = dict(call.keywords).get("bind") or next(iter(call.args), None)
        if given is None:
            return ""
        value = self._certain.value(path, call.scope, given)
        if not isinstance(value, ExternalInstance):
            return ""
        name = self._resolver.library.canonical(value.fqn)
        return name if name in (_ENGINE, _ASYNC_ENGINE) else ""
