"""POL206 over a call chain: a request adds to Flask-SQLAlchemy's session, and nothing on its way commits.

Callers are found by name, so that a method of a model counts whatever the type of its receiver is: a commit in any
function that may be on the way keeps the finding back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import last_name, spelled
from poollint.program.graph import Run
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.sites import Step
from poollint.program.values import ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.callers import Callers
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_ADDING = frozenset({"add", "add_all", "delete"})
_EXTENSION = "flask_sqlalchemy.SQLAlchemy"
_COMMITTING = frozenset({"commit", "begin"})
_HOOKS = (b"after_request", b"after_app_request", b"teardown_", b"COMMIT_ON_TEARDOWN")
_HIGHEST = 4
_MOST_NAMES = 200


class NeverCommitted(Finder):
    """Looks at `db.session.add()` in functions that do not commit."""

    markers = tuple(f".session.{name}(".encode() for name in sorted(_ADDING))

    def __init__(self, resolver: Resolver, callers: Callers, places: Places) -> None:
        self._resolver = resolver
        self._callers = callers
        self._places = places
        self._names: frozenset[str] | None = None

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The first change of each function that only requests reach, none of which commits."""
        if self._places.is_test(path) or self._places.is_migration(path):
            return
        for number, scope in enumerate(facts.scopes):
            if scope.kind != "function":
                continue
            adding = next((facts.calls[i] for i in scope.calls if self._adds(path, number, facts.calls[i])), None)
            if adding is None or self._is_hooked():
                continue
            handler = self._handler(path, number, 0, set())
            if handler is not None:
                where, top = handler
                yield Misuse(
                    MisuseKind.NEVER_COMMITTED,
                    spans.of(path, adding),
                    scope.qualname,
                    spelled(adding.func, facts),
                    detail=top.name,
                    related=(
                        Step(spans.of_definition(where, top), f"{top.name}() handles a request and commits nothing"),
                    ),
                )

    def _adds(self, path: str, scope: int, call: model.Call) -> bool:
        func = call.func
        if not isinstance(func, model.Attr) or func.attr not in _ADDING or not isinstance(func.value, model.Attr):
            return False
        if func.value.attr != "session":
            return False
        return ExternalInstance(_EXTENSION) in self._resolver.values(path, scope, func.value.value)

    def _is_hooked(self) -> bool:
        """Something may commit at the end of each request."""
        project = self._resolver.project
        if project.holds((b"COMMIT_ON_TEARDOWN",)):
            return True
        return any(b".commit(" in project.data(path) for path in project.containing(_HOOKS))

    def _handler(self, path: str, number: int, height: int, seen: set[Run]) -> tuple[str, model.Scope] | None:
        """The request handler that reaches the function, where no function on any way may commit."""
        facts = self._resolver.facts(path)
        scope = facts.scopes[number]
        node = Run(path, number)
        if node in seen or height > _HIGHEST or self._commits(facts, scope):
            return None
        seen.add(node)
        if any(source.kind == "request" for source in self._callers.sources(node)):
            return path, scope
        found = None
        for where, caller in self._calling(scope.name):
            if caller == 0:
                return None
            found = self._handler(where, caller, height + 1, seen)
            if found is None:
                return None
        return found

    def _calling(self, name: str) -> Iterator[tuple[str, int]]:
        """The functions that call something of this name, outside of tests."""
        seen = set()
        for path in self._resolver.project.calling(name):
            facts = self._resolver.project.facts(path)
            if facts is None or self._places.is_test(path):
                continue
            for call in facts.calls:
                if last_name(call.func) == name and (path, call.scope) not in seen:
                    seen.add((path, call.scope))
                    yield path, call.scope

    def _commits(self, facts: model.ModuleFacts, scope: model.Scope) -> bool:
        """The function calls something that commits, or that has the name of a function that does."""
        names = self._committing()
        return any(last_name(facts.calls[index].func) in names for index in scope.calls)

    def _committing(self) -> frozenset[str]:
        """The names of functions that commit, and of those that call them."""
        if self._names is None:
            found = set(_COMMITTING)
            pending = sorted(found)
            while pending and len(found) < _MOST_NAMES:
                for path, scope in list(self._calling(pending.pop())):
                    name = self._resolver.facts(path).scopes[scope].name
                    if name and name not in found:
                        found.add(name)
                        pending.append(name)
            self._names = frozenset(found)
        return self._names
