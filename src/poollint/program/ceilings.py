"""How often a function or class can run at most, whoever calls it: memoised functions and singletons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.graph import Construct, Node
from poollint.program.sites import Times
from poollint.program.values import ClassValue, External, Function

if TYPE_CHECKING:
    from poollint.program.names import Resolver
    from poollint.program.own_caches import OwnCaches


class Ceilings:
    """Answers once for each node."""

    def __init__(self, resolver: Resolver, own_caches: OwnCaches) -> None:
        self._resolver = resolver
        self._own_caches = own_caches
        self._memo: dict[Node, tuple[Times | None, Node | None]] = {}

    def of(self, node: Node) -> tuple[Times | None, Node | None]:
        """The most times that a memoiser or the singleton nature of a class lets the node run; or the node that makes
        the objects of which each runs it once."""
        if node not in self._memo:
            if isinstance(node, Construct):
                self._memo[node] = (self._singleton(ClassValue(node.path, node.scope)), None)
            else:
                self._memo[node] = self._memoised(Function(node.path, node.scope))
        return self._memo[node]

    def _memoised(self, function: Function) -> tuple[Times | None, Node | None]:
        if function.scope == 0:
            return None, None
        scope = self._resolver.scope(function.path, function.scope)
        if scope.kind != "function" or not scope.decorators:
            return None, None
        for name in sorted(self._resolver.decorator_names(function.path, function.scope)):
            row = self._resolver.library.memoizer(name)
            if row is None:
                continue
            owner = self._resolver.scope(function.path, scope.parent) if scope.parent > 0 else None
            method = owner is not None and owner.kind == "class"
            if (method and len(scope.parameters) == 1) or row.keyed.value == "instance":
                return None, Construct(function.path, scope.parent)
            keyed = row.keyed.value != "none" and len(scope.parameters) > 0
            return (Times.PER_KEY if keyed else Times.ONCE), None
        own = self._own_caches.around(function.path, function.scope)
        if own is None:
            return None, None
        if own.keyed == "instance":
            return None, Construct(function.path, scope.parent) if scope.parent > 0 else None
        return (Times.PER_KEY if own.keyed == "args" else Times.ONCE), None

    def _singleton(self, cls: ClassValue) -> Times | None:
        scope = self._resolver.scope(cls.path, cls.scope)
        for decorator in scope.decorators:
            text = decorator.value
            if isinstance(text, model.CallRef):
                text = self._resolver.call(cls.path, text.index).func
            name = text.attr if isinstance(text, model.Attr) else text.id if isinstance(text, model.Name) else ""
            values = self._resolver.values(cls.path, max(scope.parent, 0), text)
            if "singleton" in name.lower() or any(isinstance(v, External) and self._memoizes(v.fqn) for v in values):
                return Times.ONCE
        own = self._own_caches.around(cls.path, cls.scope)
        if own is not None and own.keyed != "instance":
            return Times.PER_KEY if own.keyed == "args" else Times.ONCE
        for keyword, value in scope.keywords:
            if keyword == "metaclass" and self._caches_instances(cls.path, max(scope.parent, 0), value):
                return Times.ONCE
        found = self._resolver.classes.method(cls, "__new__")
        if found is not None and self._keeps_instance(found[0].path, found[1]):
            return Times.ONCE
        for base in self._resolver.classes.order(cls)[1:]:
            facts = self._resolver.scope(base.path, base.scope)
            for keyword, value in facts.keywords:
                if keyword == "metaclass" and self._caches_instances(base.path, max(facts.parent, 0), value):
                    return Times.ONCE
        return None

    def _memoizes(self, fqn: str) -> bool:
        return self._resolver.library.memoizer(fqn) is not None

    def _caches_instances(self, path: str, scope: int, metaclass: model.Expr) -> bool:
        """The metaclass's `__call__` keeps instances (`if cls not in cls._instances`)."""
        for value in self._resolver.values(path, scope, metaclass):
            if isinstance(value, ClassValue):
                found = self._resolver.classes.method(value, "__call__")
                return found is not None and self._keeps_instance(found[0].path, found[1])
            if isinstance(value, External) and "singleton" in value.fqn.lower():
                return True
        return False

    def _keeps_instance(self, path: str, scope_index: int) -> bool:
        """The method stores what it makes on the class, behind a test."""
        scope = self._resolver.scope(path, scope_index)
        if not any(block.kind in ("if", "else", "except") for block in scope.blocks):
            return False
        for op in scope.ops:
            target = op.target
            if isinstance(target, model.Subscript):
                target = target.value
            if op.kind == "bind" and isinstance(target, (model.Attr, model.Name)) and op.value is not None:
                if (
                    isinstance(target, model.Attr)
                    or target.id in scope.globals
                    or isinstance(op.target, model.Subscript)
                ):
                    return True
        return False
