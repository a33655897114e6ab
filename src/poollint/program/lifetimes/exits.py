"""`__exit__` and `__aexit__` that commit and then close: whether a failing commit skips the close.

The handle is not made there: it is an attribute of the object, or comes from a context variable. It counts as holding a
connection when the method is entered, so it is there: `if self.connection:` is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, without_await
from poollint.program.lifetimes.states import LEAKING, Phase, State
from poollint.program.lifetimes.walk import Exit
from poollint.program.values import ExternalInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import Handle
    from poollint.program.lifetimes.aliases import Aliases
    from poollint.program.lifetimes.passing import Passing
    from poollint.program.names import Resolver

EXIT_METHODS = frozenset({"__exit__", "__aexit__"})


class SkippedClose(Struct, frozen=True):
    """A call in an exit method that skips the close of `receiver` when it raises."""

    path: str
    scope: int
    call: int
    receiver: str
    handle: Handle
    closes: tuple[int, ...]


class ExitMethods:
    """Looks through the exit methods of a program."""

    def __init__(self, resolver: Resolver, passing: Passing) -> None:
        self._resolver = resolver
        self._passing = passing

    def skipped(self) -> list[SkippedClose]:
        """Every close that the handle's own commit, rollback or statement skips by failing."""
        project = self._resolver.project
        found: list[SkippedClose] = []
        for path in project.naming(project.files, EXIT_METHODS):
            data = project.data(path)
            if b".close(" not in data or not (b".commit(" in data or b".rollback(" in data):
                continue
            facts = project.facts(path)
            for number, scope in enumerate(facts.scopes if facts is not None else ()):
                if scope.kind == "function" and scope.name in EXIT_METHODS and scope.parent > 0:
                    found.extend(self._in_method(path, number))
        return found

    def _in_method(self, path: str, number: int) -> Iterator[SkippedClose]:
        for receiver, handle in sorted(self._closed(path, number).items()):
            call = self._call_behind(path, number, receiver)
            if call is None and "." not in receiver:
                continue
            if call is not None:
                tracker = self._passing.tracker(path, number, handle, call, starts=Phase.HELD)
                start = State(Phase.ABSENT)
            else:
                tracker = self._passing.tracker(path, number, handle, parameter=receiver)
                held = frozenset({(receiver, True), (f"{receiver} is None", False)})
                start = State(Phase.HELD, False, frozenset({receiver}), held)
            outcome = self._passing.walk(tracker, path, number, start)
            paths = outcome.exits.get(Exit.RAISE, {})
            calls = [
                reason.call
                for state, reason in paths.items()
                if state.phase in LEAKING and self._is_its_own(path, reason.call, tracker.aliases)
            ]
            if calls and tracker.seen.closes:
                yield SkippedClose(path, number, min(calls), receiver, handle, tuple(sorted(tracker.seen.closes)))

    def _is_its_own(self, path: str, index: int, aliases: Aliases) -> bool:
        """A call on the handle itself: what other clean-up does when it fails is not known (`super().__exit__()`)."""
        func = self._resolver.facts(path).calls[index].func if index >= 0 else None
        return isinstance(func, model.Attr) and aliases.denotes(func.value, aliases.names)

    def _call_behind(self, path: str, number: int, receiver: str) -> int | None:
        """The one call that a variable of the method is set from: `session = current.get()`."""
        values = [op.value for op in assignments(self._resolver.scope(path, number), receiver)]
        value = without_await(values[0]) if len(values) == 1 and values[0] is not None else None
        return value.index if isinstance(value, model.CallRef) else None

    def _closed(self, path: str, number: int) -> dict[str, Handle]:
        """The sessions and connections on which the method calls close, by their dotted names."""
        facts = self._resolver.facts(path)
        found: dict[str, Handle] = {}
        for index in facts.scopes[number].calls:
            func = facts.calls[index].func
            if not isinstance(func, model.Attr) or func.attr != "close" or not dotted(func.value):
                continue
            for value in self._resolver.values(path, number, func.value):
                handle = self._resolver.library.handle(value.fqn) if isinstance(value, ExternalInstance) else None
                if handle is not None:
                    found[dotted(func.value)] = handle
        return found
