"""Once-guards: tests that let a piece of code run a single time, per process, key, instance or thread.

A guard counts only when the code behind it really fills what is tested. One that fills a local is dead memoisation.
The forms are S2-S4 and S15 of the rule catalogue: a tested global (also a derived one), attribute, key of a container,
`hasattr`/`getattr`, `try ... except KeyError`, `setdefault`, a process id in the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.absence import Absence, Tested
from poollint.program.expressions import assignments, dotted, is_falsy, without_await
from poollint.program.loops import ancestors
from poollint.program.regions import Region
from poollint.program.sites import Times
from poollint.program.values import ClassValue, External, ExternalInstance, Instance, ModuleValue, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver

_PER_REQUEST = (
    "flask.g",
    "flask.request",
    "flask.globals.g",
    "quart.g",
    "starlette.requests",
    "fastapi.Request",
    "aiohttp.web.Request",
)
_PER_THREAD = ("threading.local", "_thread._local", "asgiref.local.Local", "contextvars.ContextVar")


@dataclass(frozen=True, slots=True)
class Guard:
    """What a guard holds and how often the guarded code runs because of it.

    `times`: ONCE (a global), PER_KEY (a container), PER_THREAD, PER_PROCESS (a process id), or None when it is once
    per instance of `owner`. `target` is the tested expression as written, `key` the tested key. `dead`: the guard
    fills a local only. `parameter`: it fills the parameter
    `target` that the caller left out, or ("+name") runs only where the caller passes that flag.
    """

    times: Times | None
    target: str
    owner: ClassValue | None = None
    key: model.Expr | None = None
    dead: bool = False
    parameter: bool = False


class Guards:
    """Finds the guard in front of a place."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._absence = Absence(resolver)
        self._memo: dict[tuple[str, int, int, int], Guard | None] = {}
        self._called: dict[tuple[str, int, str, int, int], bool] = {}

    def of_call(self, path: str, index: int) -> Guard | None:
        """The guard that makes this call run once, or a dead one, or None."""
        call = self._resolver.call(path, index)
        before = max(call.op, 0)
        found = self.at(path, call.scope, call.block, before)
        if found is not None and not found.dead and not found.parameter:
            return found
        return (
            self._alternative(path, index, call)
            or self._setdefault(path, call)
            or self._found_elsewhere_first(path, index, call, before)
            or found
        )

    def _alternative(self, path: str, index: int, call: model.Call) -> Guard | None:
        """`engine = engine or create_engine(url)`, `create_engine(url) if engine is None else engine`."""
        scope = self._resolver.scope(path, call.scope)
        if not 0 <= call.op < len(scope.ops):
            return None
        op = scope.ops[call.op]
        value = without_await(op.value) if op.value is not None else None
        for tested in self._instead_of(path, index, value):
            place = tested.place
            if isinstance(place, model.Name) and any(each.name == place.id for each in scope.parameters):
                return Guard(None, place.id, parameter=True)
            if op.target is not None and dotted(place) and dotted(op.target) == dotted(place):
                return self._judge(path, call.scope, tested, Region(scope, op.block, 0))
        return None

    def _instead_of(self, path: str, index: int, value: model.Expr | None) -> Iterator[Tested]:
        """What the expression gives instead of the call, where that is there."""
        if isinstance(value, model.Bool) and value.op == "or" and _is_call(value.items[-1], index):
            yield Tested(value.items[0])
        elif isinstance(value, model.Conditional) and _is_call(value.body, index):
            yield from self._absence.missing(path, value.test, False)
        elif isinstance(value, model.Conditional) and _is_call(value.orelse, index):
            yield from self._absence.missing(path, value.test, True)

    def at(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        """The guard in front of operation `before` in a block of a scope."""
        key = (path, scope_index, block, before)
        if key not in self._memo:
            self._memo[key] = self._find(path, scope_index, block, before)
        return self._memo[key]

    def _find(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        dead: Guard | None = None
        for tested, region in self._absence.tested(path, scope_index, block, before):
            guard = self._judge(path, scope_index, tested, region)
            if guard is not None and not guard.dead:
                return guard
            dead = dead or guard
        return dead or self._asked_for(path, scope_index, block)

    def _found_elsewhere_first(self, path: str, index: int, call: model.Call, before: int) -> Guard | None:
        """`known = registry.get_db(key)`, then `if known is not None: return known`, and at last `return make_db()`.

        What is looked up and what is made take each other's place: both are returned by the same function.
        """
        scope = self._resolver.scope(path, call.scope)
        if not _is_returned(scope, index):
            return None
        chain = ancestors(scope, call.block)
        for number, earlier in enumerate(scope.blocks):
            if earlier.kind != "if" or earlier.exit != "return" or earlier.test is None or earlier.first_op > before:
                continue
            around = [each for each in ancestors(scope, earlier.parent) if each not in chain]
            if any(scope.blocks[each].kind != "if" for each in around):
                continue
            for tested in self._absence.missing(path, earlier.test, True):
                place = tested.place
                if isinstance(place, model.Name) and _returns_name(scope, number, place.id):
                    if self._is_looked_up(path, scope, place.id):
                        return Guard(Times.PER_KEY, place.id)
        return None

    def _is_looked_up(self, path: str, scope: model.Scope, name: str) -> bool:
        """The local holds what a method gave for a key."""
        for op in assignments(scope, name):
            value = without_await(op.value) if op.value is not None else None
            if isinstance(value, model.CallRef):
                call = self._resolver.call(path, value.index)
                return bool(call.args or call.keywords) and isinstance(call.func, model.Attr)
        return False

    def _asked_for(self, path: str, scope_index: int, block: int) -> Guard | None:
        """The branch of a flag that is off by default: `def f(url, async_engine=False)`, then `if async_engine:`."""
        scope = self._resolver.scope(path, scope_index)
        off = {each.name for each in scope.parameters if is_falsy(each.default)}
        for each in ancestors(scope, block):
            guarded = scope.blocks[each]
            if guarded.kind == "if" and isinstance(guarded.test, model.Name) and guarded.test.id in off:
                return Guard(None, f"+{guarded.test.id}", parameter=True)
        return None

    # ---------------------------------------------------------------------------------------------- judgement
    def _judge(self, path: str, scope_index: int, tested: Tested, region: Region) -> Guard | None:
        text = dotted(tested.place)
        if not text:
            return None
        scope = self._resolver.scope(path, scope_index)
        alias = self._absence.behind(path, scope, tested.place)
        if alias is not None and dotted(alias.place):
            tested, text = alias, dotted(alias.place)
        filled = region.fills(tested.place) or self._filled_by_callee(path, scope_index, tested.place, region)
        if not filled:
            return Guard(None, text, dead=True) if self._is_dead(path, scope_index, tested.place, region) else None
        return self._judge_filled(path, scope_index, tested, text)

    def _judge_filled(self, path: str, scope_index: int, tested: Tested, text: str) -> Guard | None:
        """What a test guards whose place is filled behind it."""
        if isinstance(tested.place, model.Name):
            return self._judge_name(path, scope_index, tested, text)
        return self._judge_attribute(path, scope_index, tested, text)

    def _is_dead(self, path: str, scope_index: int, place: model.Expr, region: Region) -> bool:
        """Behind the test a local of the same name is filled, and what was tested is not: it stays missing for ever."""
        scope = self._resolver.scope(path, scope_index)
        if isinstance(place, model.Name):
            index = self._resolver.index(path)
            if index is None or place.id in index.names(scope_index) or place.id not in index.names(0):
                return False
        elif scope.parameters and dotted(place).split(".")[0] != scope.parameters[0].name:
            return False
        name = dotted(place).rpartition(".")[2].strip("_")
        other = {*scope.globals, *(each.name for each in scope.parameters)}
        return bool(name) and any(local.strip("_") == name and local not in other for local in region.fills_locals())

    def _judge_name(self, path: str, scope_index: int, tested: Tested, text: str) -> Guard | None:
        current = self._binder(path, scope_index, text)
        if current < 0:
            return None
        scope = self._resolver.scope(path, current)
        keyed = tested.key is not None
        if current == scope_index and scope.kind in ("function", "lambda"):
            if keyed:
                return None
            parameter = _parameter_behind(scope, text)
            return Guard(None, parameter, parameter=True) if parameter else None
        if self._is_per_thread(path, current, tested.place):
            return Guard(Times.PER_THREAD, text, key=tested.key)
        if scope.kind in ("function", "lambda"):
            # A variable of an enclosing function lives as long as its closure: once per run of that function.
            return Guard(Times.PER_KEY if keyed else Times.PER_PROCESS, text, key=tested.key)
        return self._of_key(path, scope_index, tested, text, None)

    def _binder(self, path: str, scope_index: int, name: str) -> int:
        """The scope whose variable a name is, seen from `scope_index`; -1 when no scope binds it."""
        index = self._resolver.index(path)
        current = scope_index
        while current >= 0:
            scope = self._resolver.scope(path, current)
            if name in scope.globals:
                return 0
            if index is not None and name in index.names(current):
                if scope.kind != "class" or current == scope_index:
                    return current
            current = scope.parent
        return -1

    def _judge_attribute(self, path: str, scope_index: int, tested: Tested, text: str) -> Guard | None:
        place = tested.place
        assert isinstance(place, model.Attr)
        for value in self._resolver.values(path, scope_index, place.value):
            if isinstance(value, (External, ExternalInstance)):
                if value.fqn.startswith(_PER_REQUEST) and ".app" not in value.fqn:
                    return None
                if value.fqn.startswith(_PER_THREAD):
                    return Guard(Times.PER_THREAD, text, key=tested.key)
            elif isinstance(value, Instance):
                if self._is_class_level(value.cls, path, place):
                    return self._of_key(path, scope_index, tested, text, None)
                return self._of_key(path, scope_index, tested, text, value.cls)
            elif isinstance(value, (ClassValue, ModuleValue)):
                return self._of_key(path, scope_index, tested, text, None)
        if self._is_per_thread(path, scope_index, place.value):
            return Guard(Times.PER_THREAD, text, key=tested.key)
        root = text.partition(".")[0]
        if root in ("request", "g"):
            return None
        return self._of_key(path, scope_index, tested, text, None)

    def _of_key(self, path: str, scope_index: int, tested: Tested, text: str, owner: ClassValue | None) -> Guard:
        if tested.key is not None and self._is_process_id(path, scope_index, tested.key):
            return Guard(Times.PER_PROCESS, text, owner, tested.key)
        constant = isinstance(tested.key, model.Const)
        if owner is not None:
            return Guard(None, text, owner, tested.key)
        return Guard(Times.PER_KEY if tested.key is not None and not constant else Times.ONCE, text, None, tested.key)

    def _is_class_level(self, cls: ClassValue, path: str, place: model.Attr) -> bool:
        """A mutable container of the class body is shared by all instances, unless __init__ gives each its own."""
        found = self._resolver.classes.find(cls, place.attr)
        if found is None:
            return False
        owner, members = found
        own = [member for member in members if member.scope != owner.scope and member.kind == "value"]
        body = [member for member in members if member.scope == owner.scope and member.kind == "value"]
        return bool(body) and not own

    def _is_per_thread(self, path: str, scope: int, place: model.Expr) -> bool:
        values = self._resolver.values(path, scope, place)
        return any(isinstance(v, (ExternalInstance, External)) and v.fqn.startswith(_PER_THREAD) for v in values)

    def _is_process_id(self, path: str, scope: int, key: model.Expr) -> bool:
        parts = key.items if isinstance(key, model.Items) else [key]
        for part in parts:
            if isinstance(part, model.CallRef):
                callees = self._resolver.callee(path, part.index)
                if any(isinstance(callee, External) and callee.fqn == "os.getpid" for callee in callees):
                    return True
            if isinstance(part, model.Name):
                for op in assignments(self._resolver.scope(path, scope), part.id):
                    if op.value is not None and not isinstance(op.value, model.Name):
                        if self._is_process_id(path, scope, op.value):
                            return True
        return False

    def _filled_by_callee(self, path: str, scope_index: int, place: model.Expr, region: Region) -> bool:
        """A function called behind the test fills the tested global or attribute: `if X is None: init()`."""
        key = (path, scope_index, dotted(place), region.block, region.first)
        if key not in self._called:
            self._called[key] = self._is_filled_by_callee(path, place, region)
        return self._called[key]

    def _is_filled_by_callee(self, path: str, place: model.Expr, region: Region) -> bool:
        for index in region.calls(self._resolver.facts(path)):
            for value in self._resolver.callee(path, index):
                for function in functions_of(value):
                    scope = self._resolver.scope(function.path, function.scope)
                    if isinstance(place, model.Name):
                        if function.path == path and place.id in scope.globals and Region(scope, 0, 0).fills(place):
                            return True
                    elif isinstance(place, model.Attr) and any(
                        isinstance(op.target, model.Attr) and op.target.attr == place.attr for op in scope.ops
                    ):
                        return True
        return False

    def _setdefault(self, path: str, call: model.Call) -> Guard | None:
        """`CACHE.setdefault(key, create_engine(...))`: the engines made in vain never connect."""
        if call.outer < 0 or call.role != "arg":
            return None
        outer = self._resolver.call(path, call.outer)
        if isinstance(outer.func, model.Attr) and outer.func.attr == "setdefault" and outer.args:
            tested = Tested(outer.func.value, outer.args[0])
            if dotted(tested.place):
                return self._judge_filled(path, call.scope, tested, dotted(tested.place))
        return None


def _parameter_behind(scope: model.Scope, name: str) -> str:
    """The parameter that a local was set from first, or the name itself when it is one."""
    names = {each.name for each in scope.parameters}
    if name in names:
        return name
    for op in assignments(scope, name):
        if op.value is not None:
            return op.value.id if isinstance(op.value, model.Name) and op.value.id in names else ""
    return ""


def _is_call(expr: model.Expr, index: int) -> bool:
    bare = without_await(expr)
    return isinstance(bare, model.CallRef) and bare.index == index


def _is_returned(scope: model.Scope, index: int) -> bool:
    """The function returns the result of the call, directly or through a local."""
    held: set[str] = set()
    for op in scope.ops:
        value = without_await(op.value) if op.value is not None else None
        if isinstance(value, model.CallRef) and value.index == index:
            if op.kind == "return":
                return True
            if isinstance(op.target, model.Name):
                held.add(op.target.id)
        elif op.kind == "return" and isinstance(value, model.Name) and value.id in held:
            return True
    return False


def _returns_name(scope: model.Scope, block: int, name: str) -> bool:
    """A return statement of the block gives the variable."""
    returns = [op.value for op in scope.ops if op.kind == "return" and op.block == block]
    return any(isinstance(value, model.Name) and value.id == name for value in returns)
