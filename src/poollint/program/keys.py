"""How long the key of a cache stays the same: for ever, for a process or thread, or for a single call."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver

_DEEPEST = 5
_OF_PROCESS = frozenset({"os.getpid"})
_OF_THREAD = frozenset(
    {"threading.get_ident", "threading.get_native_id", "threading.current_thread", "threading.currentThread"}
)
_FRESH = frozenset(
    {
        "uuid.uuid1",
        "uuid.uuid4",
        "os.urandom",
        "secrets.token_bytes",
        "secrets.token_hex",
        "secrets.token_urlsafe",
        "builtins.object",
        "asyncio.current_task",
        "asyncio.tasks.current_task",
    }
)
_CLOCKS = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
    }
)
_SAME_AS_ARGUMENT = frozenset({"builtins.str", "builtins.repr", "builtins.hash", "builtins.id", "builtins.tuple"})


class Lifetime(Enum):
    """How long a key stays what it is."""

    CALL = "call"
    THREAD = "thread"
    PROCESS = "process"
    CONSTANT = "constant"
    VALUE = "value"


class Keys:
    """Reads keys."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def lifetime(self, path: str, scope: int, key: model.Expr) -> Lifetime:
        """The shortest lifetime of the key's parts; VALUE for what its callers choose."""
        parts = list(self._parts(path, scope, key, 0))
        for lifetime in (Lifetime.CALL, Lifetime.THREAD, Lifetime.PROCESS):
            if lifetime in parts:
                return lifetime
        return Lifetime.CONSTANT if all(part is Lifetime.CONSTANT for part in parts) else Lifetime.VALUE

    def _parts(self, path: str, scope: int, key: model.Expr, depth: int) -> Iterator[Lifetime]:
        if isinstance(key, model.Const):
            yield Lifetime.CONSTANT
        elif depth > _DEEPEST:
            yield Lifetime.VALUE
        elif isinstance(key, model.Items) or (isinstance(key, model.Derived) and key.kind == "format"):
            for item in key.items:
                yield from self._parts(path, scope, item, depth + 1)
        elif isinstance(key, (model.Await, model.Walrus)):
            yield from self._parts(path, scope, key.value, depth + 1)
        elif isinstance(key, model.Attr):
            # `uuid4().hex` is as fresh as the whole; `now().hour` is not.
            inner = set(self._parts(path, scope, key.value, depth + 1)) if isinstance(key.value, model.CallRef) else ()
            yield Lifetime.CALL if Lifetime.CALL in inner and not self._is_clock(path, key.value) else Lifetime.VALUE
        elif isinstance(key, model.Name):
            yield from self._of_name(path, scope, key, depth)
        elif isinstance(key, model.CallRef):
            yield from self._of_call(path, key.index, depth)
        else:
            yield Lifetime.VALUE

    def _of_name(self, path: str, scope: int, key: model.Name, depth: int) -> Iterator[Lifetime]:
        bound = [op for op in assignments(self._resolver.scope(path, scope), key.id) if op.kind == "bind"]
        if len(bound) == 1 and bound[0].value is not None:
            for part in self._parts(path, scope, bound[0].value, depth + 1):
                yield Lifetime.VALUE if part is Lifetime.CONSTANT else part
        else:
            yield Lifetime.VALUE

    def _of_call(self, path: str, index: int, depth: int) -> Iterator[Lifetime]:
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            if not isinstance(value, External):
                continue
            if value.fqn in _OF_PROCESS:
                yield Lifetime.PROCESS
            elif value.fqn in _OF_THREAD:
                yield Lifetime.THREAD
            elif value.fqn in _FRESH or value.fqn in _CLOCKS:
                yield Lifetime.CALL
            elif value.fqn in _SAME_AS_ARGUMENT:
                for argument in call.args:
                    yield from self._parts(path, call.scope, argument, depth + 1)
        yield Lifetime.VALUE

    def _is_clock(self, path: str, expr: model.Expr) -> bool:
        if not isinstance(expr, model.CallRef):
            return False
        return any(
            isinstance(each, External) and each.fqn in _CLOCKS for each in self._resolver.callee(path, expr.index)
        )
