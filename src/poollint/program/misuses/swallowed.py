"""POL207: a handler that catches a failed commit or flush, and a session that goes on without a rollback.

After a failed flush or commit every further use raises PendingRollbackError until somebody calls rollback().
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import spans
from poollint.program.expressions import dotted, names_bound, values_given
from poollint.program.loops import ancestors, is_inside, loop_around
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.misuses.using import Using, runs_on
from poollint.program.sites import Step
from poollint.program.values import External, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import Handle
    from poollint.program.misuses.typed import Typed
    from poollint.program.names import Resolver
    from poollint.program.places import Places

_FAILING = frozenset({"commit", "flush"})
_DATABASE_ERRORS = (
    "sqlalchemy.exc.",
    "sqlalchemy.orm.exc.",
    "psycopg2.",
    "psycopg.",
    "asyncpg.",
    "pymysql.",
    "sqlite3.",
)
_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_LEAVES = frozenset({"return", "raise"})
_DEEPEST = 3


class Swallowed(Finder):
    """Looks at the handlers of one file at a time."""

    markers = (b".commit(", b".flush(")

    def __init__(self, resolver: Resolver, typed: Typed, places: Places) -> None:
        self._resolver = resolver
        self._typed = typed
        self._places = places
        self._using = Using(resolver, typed)

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """One misuse for each handler after which a session is used in a failed transaction."""
        for number, scope in enumerate(facts.scopes):
            for index, block in enumerate(scope.blocks):
                if block.kind == "except":
                    yield from self._handler(path, facts, number, index)

    def _handler(self, path: str, facts: model.ModuleFacts, number: int, handler: int) -> Iterator[Misuse]:
        scope = facts.scopes[number]
        block = scope.blocks[handler]
        tried = block.group
        for text, handle, failing in self._failing(path, facts, number, tried):
            if _asks_whether_active(scope, handler, text):
                continue
            if not self._catches(path, number, block.test) or self._recovers(
                path, facts, number, handler, text, handle
            ):
                continue
            used = self._first_use(path, facts, scope, handler, text, handle)
            kind = MisuseKind.USED_IN_HANDLER
            if used is None:
                kind = MisuseKind.SWALLOWED
                used = self._use_after(path, facts, number, tried, handler, text, handle)
            if used is None:
                continue
            yield Misuse(
                kind,
                spans.of_line(path, self._header(path, block.line)),
                scope.qualname,
                text,
                detail=str(used.line),
                related=(
                    Step(spans.of(path, failing), "when this fails, the transaction is lost until rollback()"),
                    Step(spans.of(path, used), "the session is used here without a rollback"),
                ),
                in_test=self._places.is_test(path),
                in_migration=self._places.is_migration(path),
                names=self._for_a_fix(path, number, block.test, failing),
            )
            return

    def _for_a_fix(
        self, path: str, scope: int, caught: model.Expr | None, failing: model.Call
    ) -> tuple[tuple[str, str], ...]:
        """The method that fails, whether it is a coroutine, and whether other errors end up in the handler too."""
        found = {
            "failing": failing.func.attr if isinstance(failing.func, model.Attr) else "",
            "async": "yes" if failing.awaited else "",
            "broad": "" if self._is_narrow(path, scope, caught) else "yes",
        }
        return tuple((role, text) for role, text in found.items() if text)

    def _is_narrow(self, path: str, scope: int, caught: model.Expr | None) -> bool:
        """The handler is for errors of the database only."""
        if caught is None:
            return False
        if isinstance(caught, model.Items):
            return all(self._is_narrow(path, scope, item) for item in caught.items)
        values = self._resolver.values(path, scope, caught)
        return bool(values) and all(
            isinstance(value, External) and value.fqn.startswith(_DATABASE_ERRORS) for value in values
        )

    def _header(self, path: str, line: int) -> int:
        """The line of the `except` above the first statement of its block: the facts keep the statement only."""
        lines = self._resolver.project.data(path).splitlines()
        for number in range(min(line, len(lines)), 0, -1):
            if lines[number - 1].lstrip().startswith(b"except"):
                return number
        return line

    # ---------------------------------------------------------------------------------------------- the try block
    def _failing(
        self, path: str, facts: model.ModuleFacts, number: int, tried: int
    ) -> Iterator[tuple[str, Handle, model.Call]]:
        """Sessions that the try block commits or flushes: as written, and the call."""
        scope = facts.scopes[number]
        seen = set()
        for index in scope.calls:
            call = facts.calls[index]
            if not isinstance(call.func, model.Attr) or call.func.attr not in _FAILING or call.op < 0:
                continue
            text = dotted(call.func.value)
            if not text or text in seen or not is_inside(scope, call.block, tried):
                continue
            if _nested_try(scope, call.block, tried) or _is_bound_inside(scope, text, tried):
                continue
            handle = self._typed.handle(path, number, call.func.value)
            if handle is not None and handle.kind == "session":
                seen.add(text)
                yield text, handle, call

    def _catches(self, path: str, scope: int, caught: model.Expr | None) -> bool:
        """The handler is for errors of the database, among others."""
        if caught is None:
            return True
        if isinstance(caught, model.Items):
            return any(self._catches(path, scope, item) for item in caught.items)
        return any(
            isinstance(value, External) and (value.fqn in _BROAD or value.fqn.startswith(_DATABASE_ERRORS))
            for value in self._resolver.values(path, scope, caught)
        )

    # ---------------------------------------------------------------------------------------------- the handler
    def _recovers(
        self, path: str, facts: model.ModuleFacts, number: int, handler: int, text: str, handle: Handle
    ) -> bool:
        """The handler rolls back or closes, or calls something that may."""
        scope = facts.scopes[number]
        for index in scope.calls:
            call = facts.calls[index]
            if not is_inside(scope, call.block, handler):
                continue
            if isinstance(call.func, model.Attr):
                if call.func.attr in (*handle.rolls_back, *handle.closes, "remove", "expunge_all"):
                    return True
            if any(dotted(given) == text for given in values_given(call)):
                return True
            if self._may_recover(path, index, 0):
                return True
        return False

    def _may_recover(self, path: str, index: int, depth: int) -> bool:
        """A function of the program that rolls back or closes something, itself or in what it calls."""
        if depth > _DEEPEST:
            return True
        for value in self._resolver.callee(path, index):
            for function in functions_of(value):
                facts = self._resolver.facts(function.path)
                for inner in facts.scopes[function.scope].calls:
                    func = facts.calls[inner].func
                    if isinstance(func, model.Attr) and func.attr in ("rollback", "close", "remove"):
                        return True
                    if self._may_recover(function.path, inner, depth + 1):
                        return True
        return False

    def _first_use(
        self, path: str, facts: model.ModuleFacts, scope: model.Scope, handler: int, text: str, handle: Handle
    ) -> model.Call | None:
        """The first statement on the session in the handler."""
        inside = [index for index in scope.calls if is_inside(scope, facts.calls[index].block, handler)]
        if not any(runs_on(facts.calls[index], text, handle) for index in inside):
            return None
        return min(self._running(path, facts, inside, text, handle), key=lambda call: (call.line, call.column))

    def _running(
        self, path: str, facts: model.ModuleFacts, calls: list[int], text: str, handle: Handle
    ) -> list[model.Call]:
        """Those of the calls that run a statement on the session, also in a helper or through `Model.query`."""
        shared = any(
            isinstance(func, model.Attr)
            and dotted(func.value) == text
            and self._typed.is_registry(path, facts.calls[index].scope, func.value)
            for index in calls
            if runs_on(facts.calls[index], text, handle)
            for func in (facts.calls[index].func,)
        )
        return [facts.calls[index] for index in calls if self._using.runs(path, index, text, handle, shared)]

    # ---------------------------------------------------------------------------------------------- afterwards
    def _use_after(
        self, path: str, facts: model.ModuleFacts, number: int, tried: int, handler: int, text: str, handle: Handle
    ) -> model.Call | None:
        """A statement on the session that runs when the handler is done: behind it, or in the next pass of a loop."""
        scope = facts.scopes[number]
        block = scope.blocks[handler]
        if block.exit in _LEAVES or any(op.kind in ("raise", "return") and op.block == handler for op in scope.ops):
            return None
        end = max(each.end_line for each in scope.blocks if each.group == tried)
        loop = loop_around(scope, tried)
        bound_in_loop = loop >= 0 and _is_bound_inside(scope, text, loop)
        stays = block.exit != "break"
        reached = []
        for index in scope.calls:
            call = facts.calls[index]
            if isinstance(call.func, model.Attr) and dotted(call.func.value) == text and call.line > end:
                if call.func.attr in (*handle.rolls_back, *handle.closes, "remove"):
                    break
            behind = call.line > end and not _is_other_branch(scope, call.block, tried)
            if behind and block.exit == "continue" and loop >= 0 and is_inside(scope, call.block, loop):
                behind = False
            again = stays and loop >= 0 and not bound_in_loop and is_inside(scope, call.block, loop)
            if behind or again:
                reached.append(index)
        if not any(runs_on(facts.calls[index], text, handle) for index in reached):
            return None
        if self._ends_in_loop(facts, scope, loop, text, handle, tried):
            return None
        uses = self._running(path, facts, reached, text, handle)

        def order(call: model.Call) -> tuple[int, int, int]:
            """The rest of this pass of the loop, the next one, what stands behind the loop."""
            again = call.line <= end
            beyond = loop >= 0 and not is_inside(scope, call.block, loop)
            return (1 if again else 2 * beyond, call.line, call.column)

        return min(uses, key=order)

    def _ends_in_loop(
        self, facts: model.ModuleFacts, scope: model.Scope, loop: int, text: str, handle: Handle, tried: int
    ) -> bool:
        """Something in the loop, or in the `finally` of the same statement, rolls back or closes."""
        finals = {i for i, each in enumerate(scope.blocks) if each.kind == "finally" and each.group == tried}
        for index in scope.calls:
            call = facts.calls[index]
            if not isinstance(call.func, model.Attr) or dotted(call.func.value) != text:
                continue
            if call.func.attr in (*handle.rolls_back, *handle.closes, "remove"):
                if any(is_inside(scope, call.block, final) for final in finals):
                    return True
                if loop >= 0 and is_inside(scope, call.block, loop) and not is_inside(scope, call.block, tried):
                    return True
        return False


def _asks_whether_active(scope: model.Scope, handler: int, text: str) -> bool:
    """The handler goes on only where `session.is_active` says that the transaction still stands."""
    return any(
        block.test is not None and is_inside(scope, number, handler) and _reads(block.test, f"{text}.is_active")
        for number, block in enumerate(scope.blocks)
        if block.kind in ("if", "while")
    )


def _reads(expr: model.Expr, text: str) -> bool:
    """A condition is made of this attribute."""
    if isinstance(expr, model.Not):
        return _reads(expr.value, text)
    if isinstance(expr, model.Bool):
        return any(_reads(item, text) for item in expr.items)
    if isinstance(expr, model.Compare):
        return _reads(expr.left, text)
    return dotted(expr) == text


def _nested_try(scope: model.Scope, block: int, tried: int) -> bool:
    """A handler or a savepoint of its own stands between the call and the try block."""
    between = takewhile(lambda each: each != tried, ancestors(scope, block))
    return any(scope.blocks[each].kind in ("try", "except", "with") for each in between)


def _is_bound_inside(scope: model.Scope, text: str, block: int) -> bool:
    name = text.split(".", 1)[0]
    target = scope.blocks[block].target
    if scope.blocks[block].kind == "for" and target is not None and name in names_bound(target):
        return True
    return any(
        op.target is not None
        and (dotted(op.target) == text or name in names_bound(op.target))
        and is_inside(scope, op.block, block)
        for op in scope.ops
    )


def _is_other_branch(scope: model.Scope, block: int, tried: int) -> bool:
    """The block is an alternative of one that holds the try statement: `else` beside `if`, another `case`."""
    groups = {scope.blocks[each].group: each for each in ancestors(scope, tried)}
    return any(
        groups.get(scope.blocks[each].group, each) != each and scope.blocks[each].kind != "finally"
        for each in ancestors(scope, block)
    )
