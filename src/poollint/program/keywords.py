"""The keyword arguments of a call, those in `**mapping` included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, text_of

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_DEEPEST = 4


class Keywords:
    """Expands mappings as far as the source of the same file spells them out."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(
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
        if depth > _DEEPEST:
            return None
        if isinstance(expr, model.Mapping):
            found: dict[str, model.Expr] = {}
            unknown = False
            for key, value in zip(expr.keys, expr.values, strict=True):
                if key is not None and text_of(key):
                    found[text_of(key)] = value
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
                return self.of(path, scope, call.keywords)
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
        for holder in dict.fromkeys((scope, 0)):
            facts = self._resolver.scope(path, holder)
            if any(each.name == name for each in facts.parameters):
                return None
            bound = [op.value for op in assignments(facts, name) if op.value is not None]
            if not bound:
                continue
            found: dict[str, model.Expr] = {}
            unknown = False
            for value in bound:
                inner = self._mapping(path, holder, value, depth + 1)
                if inner is None:
                    return None
                found.update(inner[0])
                unknown = unknown or inner[1]
            for op in facts.ops:
                if not isinstance(op.target, model.Subscript) or dotted(op.target.value) != name:
                    continue
                key = text_of(op.target.index)
                if key and op.value is not None:
                    found[key] = op.value
                else:
                    unknown = True
            return found, unknown
        return None
