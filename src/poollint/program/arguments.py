"""What the arguments of an engine factory say: pool class, sizes, and the URL as far as it is constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.sites import Pool
from poollint.program.values import External, ExternalInstance, ModuleValue

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Arguments:
    """The reading of one factory call."""

    pool: Pool = Pool.DEFAULT
    pool_size: int | None = None
    max_overflow: int | None = None
    url: str = ""
    url_depends_on_parameters: bool = False
    in_memory: bool = False
    mock: bool = False
    settings: tuple[tuple[str, str], ...] = ()


class ArgumentReader:
    """Reads factory calls."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def read(self, path: str, call: model.Call, factory: EngineFactory) -> Arguments:
        """The arguments of a call of an engine factory."""
        keywords, unknown = self.keywords(path, call.scope, call.keywords)
        pool = self._pool(path, call.scope, keywords, unknown)
        if pool is Pool.UNKNOWN and self._stores_null_pool(path, call.scope):
            pool = Pool.NULL
        url_expr = self._url_argument(call, factory)
        url = self.fold(path, call.scope, url_expr) if url_expr is not None else ""
        literal = url_expr is not None and self._text(path, call.scope, url_expr)
        strategy = keywords.get("strategy")
        return Arguments(
            pool,
            self._number(path, call.scope, keywords.get("pool_size")),
            self._number(path, call.scope, keywords.get("max_overflow")),
            url,
            url_expr is not None
            and (
                self.depends_on_parameters(path, call.scope, url_expr)
                or self._is_instance_data(path, call.scope, url_expr)
            ),
            _is_memory(literal or ""),
            isinstance(strategy, model.Const) and strategy.value == "mock",
            tuple(
                sorted(
                    (name, self.fold(path, call.scope, value) or "?")
                    for name, value in keywords.items()
                    if name in _ROLE_SETTINGS
                )
            ),
        )

    def _is_instance_data(self, path: str, scope_index: int, expr: model.Expr, depth: int = 0) -> bool:
        """The value comes from an attribute or method of `self`: each object may have another one."""
        scope = self._resolver.scope(path, scope_index)
        if depth > 6 or not scope.parameters or scope.parent <= 0:
            return False
        if isinstance(expr, model.Name):
            if expr.id == scope.parameters[0].name:
                return self._resolver.scope(path, scope.parent).kind == "class"
            single = self._single(path, scope_index, expr.id)
            return single is not None and self._is_instance_data(path, scope_index, single, depth + 1)
        if isinstance(expr, (model.Attr, model.Await, model.Subscript)):
            return self._is_instance_data(path, scope_index, expr.value, depth + 1)
        if isinstance(expr, (model.Derived, model.Bool)):
            return any(self._is_instance_data(path, scope_index, item, depth + 1) for item in expr.items)
        if isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            parts = [call.func, *call.args] if isinstance(call.func, model.Attr) else call.args
            return any(self._is_instance_data(path, scope_index, part, depth + 1) for part in parts)
        return False

    def _url_argument(self, call: model.Call, factory: EngineFactory) -> model.Expr | None:
        wanted = factory.url or factory.config
        pos, keyword = (wanted.pos, wanted.kw) if wanted is not None else (0, "url")
        for name, value in call.keywords:
            if name is not None and name == keyword:
                return value
        if pos is not None and pos < len(call.args):
            return call.args[pos]
        return None

    def keywords(
        self, path: str, scope: int, given: list[tuple[str | None, model.Expr]]
    ) -> tuple[dict[str, model.Expr], bool]:
        """The keyword arguments with `**mapping` expanded where it is constant, and whether some stay unknown."""
        found: dict[str, model.Expr] = {}
        unknown = False
        for name, value in given:
            if name is not None:
                found[name] = value
                continue
            inner = self._mapping(path, scope, value, 0)
            if inner is None:
                unknown = True
            else:
                found.update(inner[0])
                unknown = unknown or inner[1]
        return found, unknown

    def _mapping(
        self, path: str, scope: int, expr: model.Expr, depth: int
    ) -> tuple[dict[str, model.Expr], bool] | None:
        if depth > 4:
            return None
        if isinstance(expr, model.Mapping):
            found: dict[str, model.Expr] = {}
            unknown = False
            for key, value in zip(expr.keys, expr.values, strict=True):
                if isinstance(key, model.Const) and isinstance(key.value, str):
                    found[key.value] = value
                elif key is None:
                    inner = self._mapping(path, scope, value, depth + 1)
                    unknown = unknown or inner is None or inner[1]
                    found.update(inner[0] if inner is not None else {})
                else:
                    unknown = True
            return found, unknown
        if isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            if isinstance(call.func, model.Name) and call.func.id == "dict" and not call.args:
                return self.keywords(path, scope, call.keywords)
            return None
        if isinstance(expr, model.Conditional):
            # Either of them may hold: what only one of them says is not certain, a NullPool included.
            parts = [self._mapping(path, scope, each, depth + 1) for each in (expr.body, expr.orelse)]
            return {name: each for part in parts if part for name, each in part[0].items()}, True
        if isinstance(expr, model.Name):
            return self._named_mapping(path, scope, expr.id, depth)
        return None

    def _named_mapping(self, path: str, scope: int, name: str, depth: int) -> tuple[dict[str, model.Expr], bool] | None:
        """A variable that holds a display, with the items that are added later in the same scope."""
        facts = self._resolver.project.facts(path)
        assert facts is not None
        for holder in dict.fromkeys((scope, 0)):
            ops = facts.scopes[holder].ops
            bound = [
                op for op in ops if isinstance(op.target, model.Name) and op.target.id == name and op.value is not None
            ]
            if not bound:
                continue
            found: dict[str, model.Expr] = {}
            unknown = False
            for op in bound:
                inner = self._mapping(path, holder, op.value, depth + 1) if op.value is not None else None
                if inner is None:
                    return None
                found.update(inner[0])
                unknown = unknown or inner[1]
            for op in ops:
                target = op.target
                if (
                    isinstance(target, model.Subscript)
                    and isinstance(target.value, model.Name)
                    and target.value.id == name
                ):
                    if (
                        isinstance(target.index, model.Const)
                        and isinstance(target.index.value, str)
                        and op.value is not None
                    ):
                        found[target.index.value] = op.value
                    else:
                        unknown = True
            return found, unknown
        return None

    def _pool(self, path: str, scope: int, keywords: dict[str, model.Expr], unknown: bool) -> Pool:
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
            target = op.target
            if isinstance(target, model.Subscript) and isinstance(target.index, model.Const):
                if target.index.value == "poolclass":
                    values = self._resolver.values(path, scope, op.value)
                    if any(isinstance(each, External) and each.fqn.endswith(".NullPool") for each in values):
                        return True
        return False

    def _number(self, path: str, scope: int, expr: model.Expr | None) -> int | None:
        if isinstance(expr, model.Name):
            expr = self._single(path, scope, expr.id)
        if isinstance(expr, model.Const) and type(expr.value) is int:
            return expr.value
        return None

    def _single(self, path: str, scope: int, name: str) -> model.Expr | None:
        """The value of a variable that is assigned exactly once in the scope that binds it."""
        facts = self._resolver.project.facts(path)
        assert facts is not None
        current = scope
        while current >= 0:
            holder = facts.scopes[current]
            if any(each.name == name for each in holder.parameters):
                return None
            bound = [
                op
                for op in holder.ops
                if isinstance(op.target, model.Name) and op.target.id == name and op.kind != "delete"
            ]
            if bound:
                return bound[0].value if len(bound) == 1 and bound[0].kind == "bind" else None
            current = holder.parent
        return None

    def _text(self, path: str, scope: int, expr: model.Expr, depth: int = 0) -> str:
        """The constant text of an expression, or ""."""
        if isinstance(expr, model.Const):
            return expr.value if isinstance(expr.value, str) else ""
        if isinstance(expr, model.Name) and depth < 4:
            value = self._single(path, scope, expr.id)
            return self._text(path, scope, value, depth + 1) if value is not None else ""
        return ""

    # ---------------------------------------------------------------------------------------------- folding
    def fold(self, path: str, scope: int, expr: model.Expr | None, depth: int = 0) -> str:
        """A canonical form of an expression that has one value for the whole program, or ""."""
        if depth > 6 or expr is None:
            return ""
        if isinstance(expr, model.Const):
            return repr(expr.value) if expr.kind != "other" else ""
        if isinstance(expr, model.Name):
            return self._fold_name(path, scope, expr, depth)
        if isinstance(expr, model.Attr):
            return self._fold_attribute(path, scope, expr, depth)
        if isinstance(expr, model.Subscript):
            value, index = self.fold(path, scope, expr.value, depth + 1), self.fold(path, scope, expr.index, depth + 1)
            return f"{value}[{index}]" if value and index else ""
        if isinstance(expr, model.Derived) and expr.kind in ("format", "+"):
            parts = [self.fold(path, scope, item, depth + 1) for item in expr.items]
            return f"({'+'.join(parts)})" if parts and all(parts) else ""
        if isinstance(expr, model.CallRef):
            return self._fold_call(path, expr.index, depth)
        return ""

    def _fold_name(self, path: str, scope: int, expr: model.Name, depth: int) -> str:
        facts = self._resolver.project.facts(path)
        assert facts is not None
        for value in self._resolver.values(path, scope, expr):
            if isinstance(value, External):
                return value.fqn
        if scope != 0 and self._local(path, scope, expr.id):
            value_expr = self._single(path, scope, expr.id)
            return self.fold(path, scope, value_expr, depth + 1) if value_expr is not None else ""
        value_expr = self._single(path, 0, expr.id)
        if value_expr is not None:
            return self.fold(path, 0, value_expr, depth + 1) or f"{path}:{expr.id}"
        for imported in facts.scopes[0].imports:
            if imported.name == expr.id and imported.attribute:
                return self._fold_import(path, imported, depth)
        return ""

    def _fold_import(self, path: str, imported: model.Import, depth: int) -> str:
        project = self._resolver.project
        module = (
            project.relative(path, imported.level, imported.module)
            if imported.level
            else project.module(path, imported.module)
        )
        if module is None:
            return f"{imported.module}.{imported.attribute}" if not imported.level else ""
        if module.endswith("/") or project.facts(module) is None:
            return ""
        return self.fold(module, 0, model.Name(imported.attribute), depth + 1) or f"{module}:{imported.attribute}"

    def _local(self, path: str, scope: int, name: str) -> bool:
        facts = self._resolver.project.facts(path)
        index = self._resolver.index(path)
        assert facts is not None and index is not None
        current = scope
        while current > 0:
            if name in index.names(current):
                return True
            current = facts.scopes[current].parent
        return False

    def _fold_attribute(self, path: str, scope: int, expr: model.Attr, depth: int) -> str:
        if isinstance(expr.value, model.Name) and self._local(path, scope, expr.value.id):
            return ""
        for value in self._resolver.values(path, scope, expr.value):
            if isinstance(value, ModuleValue):
                folded = self.fold(value.path, 0, model.Name(expr.attr), depth + 1)
                return folded or f"{value.path}:{expr.attr}"
        inner = self.fold(path, scope, expr.value, depth + 1)
        return f"{inner}.{expr.attr}" if inner else ""

    def _fold_call(self, path: str, index: int, depth: int) -> str:
        """`os.environ["X"]`, `os.getenv("X")` and constructors without arguments have one value for the program."""
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            if isinstance(value, External) and value.fqn in ("os.getenv", "os.environ.get", "builtins.str"):
                parts = [self.fold(path, call.scope, each, depth + 1) for each in call.args[:1]]
                return f"{value.fqn}({','.join(parts)})" if parts and all(parts) else ""
        return ""

    # ---------------------------------------------------------------------------------------------- parameters
    def depends_on_parameters(self, path: str, scope: int, expr: model.Expr | None, depth: int = 0) -> bool:
        """A caller decides the value: it is computed from a parameter (other than self)."""
        if expr is None or depth > 6:
            return False
        if isinstance(expr, model.Name):
            facts = self._resolver.project.facts(path)
            assert facts is not None
            current = scope
            while current >= 0:
                holder = facts.scopes[current]
                for number, parameter in enumerate(holder.parameters):
                    if parameter.name == expr.id:
                        return not (number == 0 and parameter.name in ("self", "cls"))
                bound = [op for op in holder.ops if isinstance(op.target, model.Name) and op.target.id == expr.id]
                if bound:
                    return any(self.depends_on_parameters(path, current, op.value, depth + 1) for op in bound)
                current = holder.parent
            return False
        if isinstance(expr, (model.Attr, model.Await, model.Star, model.Not)):
            return self.depends_on_parameters(path, scope, expr.value, depth + 1)
        if isinstance(expr, (model.Items, model.Bool, model.Derived)):
            return any(self.depends_on_parameters(path, scope, item, depth + 1) for item in expr.items)
        if isinstance(expr, model.Subscript):
            parts = (expr.value, expr.index)
            return any(self.depends_on_parameters(path, scope, part, depth + 1) for part in parts)
        if isinstance(expr, model.Conditional):
            return any(self.depends_on_parameters(path, scope, part, depth + 1) for part in (expr.body, expr.orelse))
        if isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            parts_of_call = [*call.args, *(value for _, value in call.keywords)]
            if isinstance(call.func, model.Attr):
                parts_of_call.append(call.func.value)
            return any(self.depends_on_parameters(path, scope, part, depth + 1) for part in parts_of_call)
        return False


def _is_memory(url: str) -> bool:
    """SQLite in memory: its data lives in the connection, so it is never a server's connection."""
    if not url.startswith("sqlite"):
        return False
    return ":memory:" in url or "mode=memory" in url or url.rstrip("/").endswith(":")
