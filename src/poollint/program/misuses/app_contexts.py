"""POL221: a Flask application context that a thread or task pushes and never pops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import assignments
from poollint.program.graph import Run
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.sites import Step
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.callers import Callers
    from poollint.program.graph import Source
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_CONTEXTS = frozenset({"flask.Flask.app_context", "flask.Flask.test_request_context", "flask.current_app.app_context"})
_REPEATED = frozenset({"thread", "async_task", "job", "request", "event", "scheduled", "loop_step", "per_item"})
_POPPING = frozenset({"pop", "__exit__"})
_HIGHEST = 4


class AppContexts(Finder):
    """Looks for `app.app_context().push()` in functions that run again and again."""

    markers = (b"app_context(",)

    def __init__(self, resolver: Resolver, callers: Callers, places: Places) -> None:
        self._resolver = resolver
        self._callers = callers
        self._places = places
        self._extensions: bool | None = None

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The contexts of a file that stay pushed."""
        for _index, call in enumerate(facts.calls):
            if not isinstance(call.func, model.Attr) or call.func.attr != "push" or call.scope == 0:
                continue
            scope = facts.scopes[call.scope]
            if scope.kind != "function" or not self._is_context(path, facts, call.scope, call.func.value):
                continue
            if not self._has_sessions() or _pops(facts, scope):
                continue
            source = self._repeated(Run(path, call.scope), 0, set())
            if source is None:
                continue
            yield Misuse(
                MisuseKind.CONTEXT_PUSHED,
                spans.of(path, call),
                scope.qualname,
                "app_context().push",
                detail=source.unit or source.kind,
                related=(Step(source.span, source.text),),
                grave=True,
                in_test=self._places.is_test(path),
                in_migration=self._places.is_migration(path),
            )

    def _has_sessions(self) -> bool:
        """Flask-SQLAlchemy keeps one session for each context."""
        if self._extensions is None:
            self._extensions = bool(self._resolver.project.mentioning("flask_sqlalchemy"))
        return self._extensions

    def _is_context(self, path: str, facts: model.ModuleFacts, number: int, expr: model.Expr) -> bool:
        if isinstance(expr, model.CallRef):
            return any(isinstance(v, External) and v.fqn in _CONTEXTS for v in self._resolver.callee(path, expr.index))
        if isinstance(expr, model.Name):
            made = [op.value for op in assignments(facts.scopes[number], expr.id)]
            return any(
                isinstance(value, model.CallRef) and self._is_context(path, facts, number, value) for value in made
            )
        return False

    def _repeated(self, node: Run, height: int, seen: set[Run]) -> Source | None:
        """What runs the function in threads or tasks, at most a few calls up."""
        if height > _HIGHEST or node in seen:
            return None
        seen.add(node)
        sources = self._callers.sources(node)
        for source in sources:
            if source.kind in _REPEATED:
                return source
        for source in sources:
            if isinstance(source.caller, Run) and source.is_call:
                found = self._repeated(source.caller, height + 1, seen)
                if found is not None:
                    return found
        return None


def _pops(facts: model.ModuleFacts, scope: model.Scope) -> bool:
    return any(
        isinstance(func, model.Attr) and func.attr in _POPPING
        for func in (facts.calls[index].func for index in scope.calls)
    )
