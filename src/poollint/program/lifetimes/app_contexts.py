"""Application contexts of Flask: the end of one removes the session that an extension keeps for it.

Measured with Flask-SQLAlchemy 3.1.1: `checkedout()` of the pool is 1 in the block and 0 behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.values import functions_of

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_METHODS = frozenset({"app_context", "test_request_context", "request_context"})
_REMOVING = ("flask_sqlalchemy", "flask_sqlalchemy_lite", "teardown_appcontext", "teardown_request")


class AppContexts:
    """Answers for one program."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._removes: bool | None = None

    def ends_with(self, path: str, scope: int, manager: model.Expr | None) -> bool:
        """The block that `manager` opens is an application context, and its end gives the connections back."""
        if isinstance(manager, model.Name):
            made = [op.value for op in assignments(self._resolver.scope(path, scope), manager.id)]
            return any(isinstance(value, model.CallRef) and self.ends_with(path, scope, value) for value in made)
        if not isinstance(manager, model.CallRef):
            return False
        func = self._resolver.call(path, manager.index).func
        if not isinstance(func, model.Attr) or func.attr not in _METHODS:
            return False
        own = any(functions_of(value) for value in self._resolver.callee(path, manager.index))
        return not own and self._sessions_are_removed()

    def _sessions_are_removed(self) -> bool:
        """An extension removes the session at the end of each context, or the program does."""
        if self._removes is None:
            project = self._resolver.project
            self._removes = any(project.mentioning(word) for word in _REMOVING)
        return self._removes
