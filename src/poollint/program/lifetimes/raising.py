"""Which calls make an exception path that is worth a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from poollint.facts import model
from poollint.program.expressions import last_name
from poollint.program.values import ClassValue, External, ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poollint.program.names import Resolver

_CATCH_ALL = frozenset({"builtins.Exception", "builtins.BaseException", "builtins.object"})
_EXCEPTIONS = ("Error", "Exception", "Warning")
_CATCH_ALL_OF = ("sqlalchemy.exc.SQLAlchemyError", "sqlalchemy.exc.DBAPIError", "sqlalchemy.exc.StatementError")


class Raising:
    """Answers "can this call raise" and "is every exception caught here" for one program.

    The lists are `cannot_raise` in the library's facts: builtins that take anything, clocks, logging, and methods of
    strings, containers and statements where the receiver is unknown.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        lists = cast("Mapping[str, Any]", resolver.library.facts.get("cannot_raise", {}))
        self._functions = frozenset(lists.get("functions", ()))
        self._modules = tuple(f"{name}." for name in lists.get("modules", ()))
        self._methods = frozenset(lists.get("methods", ()))
        self._names = frozenset(name.rpartition(".")[2] for name in self._functions)
        self._memo: dict[tuple[str, int], bool] = {}

    def can_raise(self, path: str, index: int) -> bool:
        """The call may raise in practice."""
        key = (path, index)
        if key not in self._memo:
            self._memo[key] = self._can_raise(path, index)
        return self._memo[key]

    def _can_raise(self, path: str, index: int) -> bool:
        func = self._resolver.call(path, index).func
        name = last_name(func)
        if not name or (name not in self._names and name not in self._methods and not name.endswith(_EXCEPTIONS)):
            return True  # Nothing on the lists is called so: the callee's module need not be read.
        callees = self._resolver.callee(path, index)
        if callees:
            return not all(self._is_safe(value) for value in callees)
        return not (isinstance(func, model.Attr) and func.attr in self._methods)

    def _is_safe(self, value: object) -> bool:
        if isinstance(value, External):
            if value.fqn in self._functions or value.fqn.startswith(self._modules):
                return True
            return value.fqn.rpartition(".")[2] in self._methods
        if isinstance(value, ExternalInstance):
            return value.fqn.startswith(self._modules)
        if isinstance(value, ClassValue):
            # An exception class of the program that is about to be raised.
            return any(base.endswith(("Error", "Exception")) for base in self._resolver.classes.external_bases(value))
        return False

    def catches_all(self, path: str, scope: int, caught: model.Expr | None) -> bool:
        """`except:`, `except Exception:` and the base classes of the database's errors."""
        if caught is None:
            return True
        if isinstance(caught, model.Items):
            return any(self.catches_all(path, scope, item) for item in caught.items)
        for value in self._resolver.values(path, scope, caught):
            if isinstance(value, External):
                if value.fqn in _CATCH_ALL or value.fqn in _CATCH_ALL_OF:
                    return True
        return False
