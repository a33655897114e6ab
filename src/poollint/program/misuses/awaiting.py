"""POL216: `session.close()` on an async session without await gives a coroutine that nobody runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import spelled
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver
    from poollint.program.places import Places

_COROUTINES = frozenset(
    {"close", "aclose", "commit", "rollback", "dispose", "remove", "invalidate", "flush", "refresh", "delete", "reset"}
)
_CLASSES = (
    "sqlalchemy.ext.asyncio.AsyncSession.",
    "sqlalchemy.ext.asyncio.AsyncConnection.",
    "sqlalchemy.ext.asyncio.AsyncEngine.",
    "sqlalchemy.ext.asyncio.AsyncTransaction.",
    "sqlalchemy.ext.asyncio.async_scoped_session.",
    "sqlmodel.ext.asyncio.session.AsyncSession.",
)


class Awaiting(Finder):
    """Looks for coroutines that are an expression statement of their own."""

    markers = (
        b"AsyncSession",
        b"AsyncEngine",
        b"AsyncConnection",
        b"async_session",
        b"async_scoped",
        b"async_engine",
        b".dispose(",
    )

    def __init__(self, resolver: Resolver, places: Places) -> None:
        self._resolver = resolver
        self._places = places
        self._is_synchronous: bool | None = None

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The release calls of a file that are made and not awaited."""
        if self._is_synchronous is None:
            self._is_synchronous = not self._resolver.project.holds((b"ext.asyncio",))
        if self._is_synchronous:
            return
        for scope in facts.scopes:
            for op in scope.ops:
                if op.kind != "eval" or not isinstance(op.value, model.CallRef):
                    continue
                call = facts.calls[op.value.index]
                if not isinstance(call.func, model.Attr) or call.func.attr not in _COROUTINES:
                    continue
                if self._is_async(path, op.value.index):
                    yield Misuse(
                        MisuseKind.NOT_AWAITED,
                        spans.of(path, call),
                        scope.qualname,
                        spelled(call.func, facts),
                        grave=scope.is_async,
                        in_test=self._places.is_test(path),
                        in_migration=self._places.is_migration(path),
                    )

    def _is_async(self, path: str, index: int) -> bool:
        """Every value that the method may belong to is one of the async classes."""
        callees = [value for value in self._resolver.callee(path, index) if not _is_dependency(value)]
        return bool(callees) and all(isinstance(v, External) and _is_method(v.fqn) for v in callees)


def _is_method(fqn: str) -> bool:
    """A method of one of the classes, not of what such a method returns."""
    return fqn[: fqn.rfind(".") + 1] in _CLASSES


def _is_dependency(value: object) -> bool:
    return isinstance(value, External) and value.fqn.startswith("fastapi.")
