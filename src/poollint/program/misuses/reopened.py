"""POL217: an attribute that is read behind the commit takes a connection again, and nothing gives it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import names_bound
from poollint.program.lifetimes.rereads import Rereads, methods_on
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.sites import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.mentions import Mentions
    from poollint.program.misuses.typed import Typed
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_OPTION = "expire_on_commit"
_ENDS = frozenset({"commit", "rollback", "close", "remove", "expunge", "expunge_all"})


class Reopened(Finder):
    """Looks for functions that commit a session, read from its objects and leave it so."""

    markers = (b".commit()",)

    def __init__(self, resolver: Resolver, mentions: Mentions, typed: Typed, places: Places) -> None:
        self._resolver = resolver
        self._typed = typed
        self._places = places
        self._rereads = Rereads(resolver, mentions)

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """One misuse for each session of a function, at the first read."""
        for number, scope in enumerate(facts.scopes):
            if scope.kind == "function":
                for name in sorted(_committed(facts, scope)):
                    yield from self._in_function(path, facts, number, name)

    def _in_function(self, path: str, facts: model.ModuleFacts, number: int, name: str) -> Iterator[Misuse]:
        found = self._rereads.first(path, number, {name})
        if found is None or self._may_not_expire():
            return
        commit, read = found
        scope = facts.scopes[number]
        certain = self._is_session(path, number, commit)
        if not (certain or self._may_be_session(path, facts, number, name)):
            return
        if not _is_ended(facts, scope, name, read.line):
            yield Misuse(
                MisuseKind.REOPENED,
                spans.of(path, read),
                scope.qualname,
                name,
                detail=str(commit.line),
                related=(Step(spans.of(path, commit), "the commit expires what the session has loaded"),),
                certain=certain,
                in_test=self._places.is_test(path),
                in_migration=self._places.is_migration(path),
            )

    def _may_not_expire(self) -> bool:
        """Something sets `expire_on_commit`: which sessions keep their objects as they are is not known here."""
        project = self._resolver.project
        return any(_OPTION.encode() in project.data(path) for path in project.mentioning(_OPTION))

    def _is_session(self, path: str, number: int, commit: model.Call) -> bool:
        """Known to be a session; an async one raises instead (POL218)."""
        assert isinstance(commit.func, model.Attr)
        handle = self._typed.handle(path, number, commit.func.value)
        return handle is not None and handle.kind == "session" and not commit.awaited

    def _may_be_session(self, path: str, facts: model.ModuleFacts, number: int, name: str) -> bool:
        """A parameter of unknown type that takes an object with `add()`, as nothing else that commits does."""
        scope = facts.scopes[number]
        parameter = next((each for each in scope.parameters if each.name == name), None)
        if parameter is None or parameter.annotation is not None or self._resolver.lookup(path, number, name):
            return False
        calls = list(methods_on(facts, scope, {name}))
        return any(method == "add" for _, method in calls) and not any(call.awaited for call, _ in calls)


def _committed(facts: model.ModuleFacts, scope: model.Scope) -> set[str]:
    """The variables on which a function calls `commit()`, without arguments."""
    calls = (facts.calls[index] for index in scope.calls)
    return {
        call.func.value.id
        for call in calls
        if isinstance(call.func, model.Attr) and call.func.attr == "commit" and isinstance(call.func.value, model.Name)
        if not call.args and not call.keywords
    }


def _is_ended(facts: model.ModuleFacts, scope: model.Scope, name: str, line: int) -> bool:
    """Something behind the line gives the connection back, or a `with` block around it does."""
    if any(op.kind == "with" and op.target is not None and name in names_bound(op.target) for op in scope.ops):
        return True
    return any(call.line >= line and method in _ENDS for call, method in methods_on(facts, scope, {name}))
