"""What the arguments of an engine factory say: pool class, sizes, and the URL as far as it is constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import dotted, is_falsy, text_of
from poollint.program.folding import Folding
from poollint.program.keywords import Keywords
from poollint.program.origins import Origins
from poollint.program.sites import Pool
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import EngineFactory
    from poollint.program.names import Resolver

_POOLS = {
    "NullPool": Pool.NULL,
    "StaticPool": Pool.STATIC,
    "QueuePool": Pool.QUEUE,
    "AsyncAdaptedQueuePool": Pool.QUEUE,
    "FallbackAsyncAdaptedQueuePool": Pool.QUEUE,
}
_ROLE_SETTINGS = frozenset(
    {"isolation_level", "execution_options", "poolclass", "connect_args", "echo", "json_serializer"}
)
_OPTIONS = frozenset(
    {
        "echo",
        "echo_pool",
        "encoding",
        "execution_options",
        "future",
        "hide_parameters",
        "isolation_level",
        "json_deserializer",
        "json_serializer",
        "logging_name",
        "max_overflow",
        "module",
        "pool",
        "pool_logging_name",
        "pool_pre_ping",
        "pool_recycle",
        "pool_reset_on_return",
        "pool_size",
        "pool_timeout",
        "pool_use_lifo",
        "poolclass",
        "query_cache_size",
    }
)
"""Keyword arguments that say nothing about which database it is, and as whom."""


class Arguments(Struct, frozen=True):
    """The reading of one factory call."""

    pool: Pool = Pool.DEFAULT
    pool_size: int | None = None
    max_overflow: int | None = None
    url: str = ""
    url_depends_on_parameters: bool = False
    in_memory: bool = False
    in_memory_unless_passed: str = ""
    """The parameter that holds the URL, where its default is a database in memory."""
    in_memory_unless_made_with: str = ""
    """The same of a parameter of the constructor, where the URL is an attribute of the object."""
    mock: bool = False
    settings: tuple[tuple[str, str], ...] = ()


class ArgumentReader:
    """Reads factory calls."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._folding = Folding(resolver)
        self._origins = Origins(resolver, self._folding)
        self._keywords = Keywords(resolver)

    def read(self, path: str, call: model.Call, factory: EngineFactory) -> Arguments:
        """The arguments of a call of an engine factory."""
        scope, folding, origins = call.scope, self._folding, self._origins
        keywords, unknown = self._keywords.of(path, scope, call.keywords)
        url = url_argument(call, factory)
        return Arguments(
            self._pool_of(path, scope, keywords, unknown),
            folding.number(path, scope, keywords.get("pool_size")),
            folding.number(path, scope, keywords.get("max_overflow")),
            folding.of(path, scope, url),
            any(
                origins.is_from_callers(path, scope, each) or origins.is_from_self(path, scope, each)
                for each in (url, *(value for name, value in keywords.items() if name not in _OPTIONS))
                if each is not None
            ),
            url is not None and _is_memory(folding.text(path, scope, url)),
            self._parameter_in_memory(path, scope, url),
            self._made_in_memory(path, scope, url),
            "strategy" in keywords and text_of(keywords["strategy"]) == "mock",
            tuple(
                sorted(
                    (name, folding.of(path, scope, value) or "?")
                    for name, value in keywords.items()
                    if name in _ROLE_SETTINGS
                )
            ),
        )

    def folded(self, path: str, scope: int, expr: model.Expr | None) -> str:
        """A canonical form of an expression that has one value for the whole program, or ""."""
        return self._folding.of(path, scope, expr)

    def is_from_callers(self, path: str, scope: int, expr: model.Expr | None) -> bool:
        """A caller decides the value: it is computed from a parameter (other than self)."""
        return self._origins.is_from_callers(path, scope, expr)

    def _parameter_in_memory(self, path: str, scope: int, url: model.Expr | None) -> str:
        """`def __init__(self, url="sqlite://")`: the name of the parameter that the URL is."""
        facts = self._resolver.scope(path, scope)
        chosen = isinstance(url, model.Bool) and url.op == "or" and len(url.items) == 2
        first = url.items[0] if chosen and isinstance(url, model.Bool) else url
        for parameter in facts.parameters:
            if isinstance(first, model.Name) and parameter.name == first.id and parameter.default is not None:
                default = parameter.default
                if chosen and isinstance(url, model.Bool) and is_falsy(default):
                    default = url.items[1]
                if _is_memory(self._folding.text(path, max(facts.parent, 0), default)):
                    return parameter.name
        return ""

    def _made_in_memory(self, path: str, scope: int, url: model.Expr | None) -> str:
        """The URL is `self.url`, and the constructor sets it to a parameter, or gives it to the one of its base."""
        owner = self._resolver.defining_class(path, scope)
        parameters = self._resolver.scope(path, scope).parameters
        if owner is None or not parameters or dotted(url) == "" or not isinstance(url, model.Attr):
            return ""
        method = self._resolver.classes.method(owner, "__init__")
        if dotted(url) != f"{parameters[0].name}.{url.attr}" or method is None:
            return ""
        constructor, index = method
        found = [
            self._parameter_in_memory(constructor.path, index, value)
            for value in self._set_by(constructor.path, index, url.attr)
        ]
        return found[0] if found and len(set(found)) == 1 else ""

    def _set_by(self, path: str, scope: int, attribute: str) -> Iterator[model.Expr]:
        """What a constructor sets an attribute to: `self.url = url`, or `super().__init__(url=url)`."""
        facts = self._resolver.facts(path)
        for op in facts.scopes[scope].ops:
            if op.value is not None and isinstance(op.target, model.Attr) and op.target.attr == attribute:
                yield op.value
        for call in (facts.calls[index] for index in facts.scopes[scope].calls):
            if isinstance(call.func, model.Attr) and call.func.attr == "__init__":
                yield from (value for name, value in call.keywords if name == attribute)

    def _pool_of(self, path: str, scope: int, keywords: dict[str, model.Expr], unknown: bool) -> Pool:
        """The pool class; one among options that nobody spells out may still be stored into them close by."""
        found = self._pool_given(path, scope, keywords, unknown)
        return Pool.NULL if found is Pool.UNKNOWN and self._stores_null_pool(path, scope) else found

    def _pool_given(self, path: str, scope: int, keywords: dict[str, model.Expr], unknown: bool) -> Pool:
        given = keywords.get("poolclass") or keywords.get("pool")
        if given is None:
            return Pool.UNKNOWN if unknown else Pool.DEFAULT
        values = self._resolver.values(path, scope, given)
        found = [
            _POOLS.get(value.fqn.rpartition(".")[2], Pool.OTHER)
            for value in values
            if isinstance(value, (External, ExternalInstance)) and value.fqn.startswith(("sqlalchemy.", "sqlmodel."))
        ]
        if found:
            # Where it may be a NullPool, it is taken for one: uncertain means quiet.
            return Pool.NULL if Pool.NULL in found else found[0]
        return Pool.UNKNOWN

    def _stores_null_pool(self, path: str, scope: int) -> bool:
        """`options["poolclass"] = NullPool` somewhere in the function: the unknown options are those of a NullPool."""
        for op in self._resolver.scope(path, scope).ops:
            if isinstance(op.target, model.Subscript) and text_of(op.target.index) == "poolclass":
                values = self._resolver.values(path, scope, op.value)
                if any(isinstance(each, External) and each.fqn.endswith(".NullPool") for each in values):
                    return True
        return False


def url_argument(call: model.Call, factory: EngineFactory) -> model.Expr | None:
    """The URL (or the configuration that holds it) that an engine factory is given."""
    wanted = factory.url or factory.config
    pos, keyword = (wanted.pos, wanted.kw) if wanted is not None else (0, "url")
    by_name = dict(call.keywords).get(keyword) if keyword is not None else None
    if by_name is not None:
        return by_name
    if pos is not None and pos < len(call.args):
        return call.args[pos]
    return None


def _is_memory(url: str) -> bool:
    """SQLite in memory: its data lives in the connection, so it is never a server's connection."""
    if not url.startswith("sqlite"):
        return False
    return ":memory:" in url or "mode=memory" in url or url.rstrip("/").endswith(":")
