"""Once-guards: tests that let a piece of code run a single time, per process, key, instance or thread.

A guard counts only when the code behind it really fills what is tested. One that fills a local is dead memoisation.
The forms are S2-S4 and S15 of the rule catalogue: a tested global (also a derived one), attribute, key of a container,
`hasattr`/`getattr`, `try ... except KeyError`, `setdefault`, a process id in the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.loops import ancestors
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
_MISSING_ERRORS = frozenset(
    {"KeyError", "AttributeError", "NameError", "LookupError", "UnboundLocalError", "IndexError", "Exception"}
)


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


def spell(expr: model.Expr | None) -> str:
    """A dotted expression as source text ("self._engines"), or "" for anything else."""
    if isinstance(expr, model.Name):
        return expr.id
    if isinstance(expr, model.Attr):
        inner = spell(expr.value)
        return f"{inner}.{expr.attr}" if inner else ""
    return ""


class Guards:
    """Finds the guard in front of a place."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._memo: dict[tuple[str, int, int, int], Guard | None] = {}

    def of_call(self, path: str, index: int) -> Guard | None:
        """The guard that makes this call run once, or a dead one, or None."""
        call = self._resolver.call(path, index)
        before = max(call.op, 0)
        found = self.at(path, call.scope, call.block, before)
        if found is not None and not found.dead:
            return found
        return self._setdefault(path, call) or found

    def at(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        """The guard in front of operation `before` in a block of a scope."""
        key = (path, scope_index, block, before)
        if key not in self._memo:
            self._memo[key] = self._find(path, scope_index, block, before)
        return self._memo[key]

    def _find(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        dead: Guard | None = None
        for tested, region in self._candidates(path, scope_index, block, before):
            guard = self._judge(path, scope_index, tested, region)
            if guard is not None and not guard.dead:
                return guard
            dead = dead or guard
        return (
            dead
            or self._found_elsewhere_first(path, scope_index, block, before)
            or self._asked_for(path, scope_index, block)
        )

    def _found_elsewhere_first(self, path: str, scope_index: int, block: int, before: int) -> Guard | None:
        """`known = registry.get_db(key)`, then `if known is not None: return known`: the rest is for a miss."""
        scope = self._resolver.scope(path, scope_index)
        chain = ancestors(scope, block)
        for earlier in scope.blocks:
            if earlier.kind != "if" or earlier.exit != "return" or earlier.test is None or earlier.first_op > before:
                continue
            around = [each for each in ancestors(scope, earlier.parent) if each not in chain]
            if any(scope.blocks[each].kind != "if" for each in around):
                continue
            for tested in self._missing(path, earlier.test, True):
                if isinstance(tested.place, model.Name) and self._is_looked_up(path, scope, tested.place.id):
                    return Guard(Times.PER_KEY, tested.place.id)
        return None

    def _is_looked_up(self, path: str, scope: model.Scope, name: str) -> bool:
        """The local was read from somewhere by a key: `x.get(key)`, `registry.get_db(key)`, `find_engine(key)`."""
        for op in scope.ops:
            if isinstance(op.target, model.Name) and op.target.id == name and op.value is not None:
                value = op.value.value if isinstance(op.value, model.Await) else op.value
                if isinstance(value, model.CallRef):
                    call = self._resolver.call(path, value.index)
                    last = call.func.attr if isinstance(call.func, model.Attr) else ""
                    return bool(call.args or call.keywords) and last.startswith(
                        ("get", "find", "lookup", "load_cached")
                    )
        return False

    def _asked_for(self, path: str, scope_index: int, block: int) -> Guard | None:
        """The branch of a flag that is off by default: `def f(url, async_engine=False)`, then `if async_engine:`."""
        scope = self._resolver.scope(path, scope_index)
        off = {
            each.name
            for each in scope.parameters
            if isinstance(each.default, model.Const) and not each.default.value and not each.default.kind
        }
        for each in ancestors(scope, block):
            guarded = scope.blocks[each]
            if guarded.kind == "if" and isinstance(guarded.test, model.Name) and guarded.test.id in off:
                return Guard(None, f"+{guarded.test.id}", parameter=True)
        return None

    # ---------------------------------------------------------------------------------------------- candidates
    def _candidates(self, path: str, scope_index: int, block: int, before: int) -> Iterator[tuple[_Tested, _Region]]:
        """Tests that hold where the place runs, with the operations that run behind them."""
        scope = self._resolver.scope(path, scope_index)
        chain = ancestors(scope, block)
        for each in chain:
            guarded = scope.blocks[each]
            inside = _Region(scope, each, 0)
            if guarded.kind in ("if", "else", "while") and guarded.test is not None:
                for tested in self._missing(path, guarded.test, guarded.kind == "else"):
                    yield tested, inside
            elif guarded.kind == "except" and _catches_missing(guarded.test):
                for tested in self._tried(path, scope, guarded.group):
                    yield tested, _Region(scope, guarded.parent, 0)
        for number, earlier in enumerate(scope.blocks):
            # `if X is not None: return X` in front of the place.
            if earlier.kind != "if" or earlier.exit not in ("return", "raise", "continue") or earlier.test is None:
                continue
            if earlier.parent in chain and number not in chain and earlier.first_op <= before:
                for tested in self._missing(path, earlier.test, True):
                    yield tested, _Region(scope, earlier.parent, earlier.first_op)
        for number, earlier in enumerate(scope.blocks):
            # `try: return CACHE[key]` / `except KeyError: pass`, then the place.
            if earlier.kind != "try" or earlier.exit != "return" or earlier.parent not in chain or number in chain:
                continue
            if earlier.first_op <= before and any(
                other.group == earlier.group and other.kind == "except" and _catches_missing(other.test)
                for other in scope.blocks
            ):
                for tested in self._tried(path, scope, earlier.group):
                    yield tested, _Region(scope, earlier.parent, earlier.first_op)

    def _missing(self, path: str, test: model.Expr, negated: bool) -> Iterator[_Tested]:
        """What is known to be missing (None, falsy, not a key) when `test` holds, or fails if `negated`."""
        if isinstance(test, model.Not):
            yield from self._missing(path, test.value, not negated)
        elif isinstance(test, model.Bool):
            # `A or B`, negated `A and B`: one of them is missing, which is how such guards are written.
            for item in test.items:
                yield from self._missing(path, item, negated)
        elif isinstance(test, model.Compare):
            yield from self._compared(path, test, negated)
        elif negated:
            yield from self._tested(path, test)

    def _compared(self, path: str, test: model.Compare, negated: bool) -> Iterator[_Tested]:
        op = test.op
        if op in ("in", "not in"):
            if (op == "not in") != negated:
                yield _Tested(test.right, test.left)
            return
        if isinstance(test.right, model.Const) and test.right.value is None and op in ("is", "==", "is not", "!="):
            if (op in ("is", "==")) != negated:
                yield from self._tested(path, test.left)
        elif op in ("is", "is not", "==", "!=") and isinstance(test.right, (model.Name, model.Attr, model.Const)):
            # A sentinel other than None, or a key that is compared with the last one used.
            if (op in ("is", "==")) != negated:
                yield from self._tested(path, test.left)
            elif isinstance(test.left, model.Attr) or isinstance(test.right, model.Attr):
                yield from self._tested(path, test.left)
                yield from self._tested(path, test.right)

    def _tested(self, path: str, expr: model.Expr) -> Iterator[_Tested]:
        """The place behind a tested value: a name, attribute, `d.get(k)`, `getattr(o, "x", None)`, `hasattr`."""
        if isinstance(expr, (model.Name, model.Attr)):
            yield _Tested(expr)
        elif isinstance(expr, model.Subscript):
            yield _Tested(expr.value, expr.index)
        elif isinstance(expr, (model.Walrus, model.Await)):
            yield from self._tested(path, expr.value)
        elif isinstance(expr, model.CallRef):
            call = self._resolver.call(path, expr.index)
            if isinstance(call.func, model.Attr) and call.func.attr in ("get", "pop", "__contains__", "has", "exists"):
                yield _Tested(call.func.value, call.args[0] if call.args else None)
            elif isinstance(call.func, model.Name) and call.func.id in ("hasattr", "getattr") and len(call.args) > 1:
                name = call.args[1]
                if isinstance(name, model.Const) and isinstance(name.value, str):
                    yield _Tested(model.Attr(call.args[0], name.value))
            elif isinstance(call.func, model.Name) and call.func.id == "len" and call.args:
                yield _Tested(call.args[0])
            elif isinstance(call.func, model.Attr) and call.func.attr == "is_set":
                yield _Tested(call.func.value)

    def _tried(self, path: str, scope: model.Scope, group: int) -> Iterator[_Tested]:
        """What the try block of this statement reads, whose absence the except block answers."""
        for number, block in enumerate(scope.blocks):
            if block.kind != "try" or block.group != group:
                continue
            for op in scope.ops:
                if op.block == number and op.value is not None:
                    value = op.value
                    if isinstance(value, model.Subscript):
                        yield _Tested(value.value, value.index)
                    elif isinstance(value, (model.Attr, model.Name)):
                        yield _Tested(value)

    # ---------------------------------------------------------------------------------------------- judgement
    def _judge(self, path: str, scope_index: int, tested: _Tested, region: _Region) -> Guard | None:
        text = spell(tested.place)
        if not text:
            return None
        scope = self._resolver.scope(path, scope_index)
        alias = self._cache_behind(path, scope, tested.place)
        if alias is not None and spell(alias.place):
            tested, text = alias, spell(alias.place)
        filled = region.fills(tested.place) or self._filled_by_callee(path, scope_index, tested.place, region)
        if not filled:
            return Guard(None, text, dead=True) if self._is_dead(path, scope_index, tested.place, region) else None
        if isinstance(tested.place, model.Name):
            return self._judge_name(path, scope_index, tested, text)
        return self._judge_attribute(path, scope_index, tested, text)

    def _is_dead(self, path: str, scope_index: int, place: model.Expr, region: _Region) -> bool:
        """Behind the test a local of the same name is filled, and what was tested is not: it stays missing for ever."""
        scope = self._resolver.scope(path, scope_index)
        if isinstance(place, model.Name):
            index = self._resolver.index(path)
            if index is None or place.id in index.names(scope_index) or place.id not in index.names(0):
                return False
        elif scope.parameters and spell(place).split(".")[0] != scope.parameters[0].name:
            return False
        name = spell(place).rpartition(".")[2].strip("_")
        other = {*scope.globals, *(each.name for each in scope.parameters)}
        return bool(name) and any(local.strip("_") == name and local not in other for local in region.fills_locals())

    def _cache_behind(self, path: str, scope: model.Scope, place: model.Expr) -> _Tested | None:
        """The container that a tested local was just read from: `e = CACHE.get(k)`, then `if e is None`."""
        if not isinstance(place, model.Name) or place.id in scope.globals or place.id in scope.nonlocals:
            return None
        for op in scope.ops:
            if isinstance(op.target, model.Name) and op.target.id == place.id and op.value is not None:
                value = op.value.value if isinstance(op.value, model.Await) else op.value
                if isinstance(value, model.Subscript):
                    return _Tested(value.value, value.index)
                if isinstance(value, model.Attr):
                    return _Tested(value)
                if isinstance(value, model.CallRef):
                    call = self._resolver.call(path, value.index)
                    if isinstance(call.func, model.Attr) and call.func.attr in ("get", "pop"):
                        return _Tested(call.func.value, call.args[0] if call.args else None)
                    if isinstance(call.func, model.Name) and call.func.id == "getattr" and len(call.args) > 1:
                        name = call.args[1]
                        if isinstance(name, model.Const) and isinstance(name.value, str):
                            return _Tested(model.Attr(call.args[0], name.value))
        return None

    def _judge_name(self, path: str, scope_index: int, tested: _Tested, text: str) -> Guard | None:
        resolver, name = self._resolver, text
        current = scope_index
        while current >= 0:
            scope = resolver.scope(path, current)
            if name in scope.globals:
                current = 0
                break
            index = resolver.index(path)
            bound = index is not None and name in index.names(current)
            if bound and (scope.kind != "class" or current == scope_index):
                break
            current = scope.parent
        if current < 0:
            return None
        scope = resolver.scope(path, current)
        keyed = tested.key is not None
        if current == scope_index and scope.kind in ("function", "lambda"):
            if keyed:
                return None
            parameter = _parameter_behind(scope, name)
            return Guard(None, parameter, parameter=True) if parameter else None
        if self._is_per_thread(path, current, tested.place):
            return Guard(Times.PER_THREAD, text, key=tested.key)
        if scope.kind in ("function", "lambda"):
            # A variable of an enclosing function lives as long as its closure: once per run of that function.
            return Guard(Times.PER_KEY if keyed else Times.PER_PROCESS, text, key=tested.key)
        return self._of_key(path, scope_index, tested, text, None)

    def _judge_attribute(self, path: str, scope_index: int, tested: _Tested, text: str) -> Guard | None:
        place = tested.place
        assert isinstance(place, model.Attr)
        for value in self._resolver.values(path, scope_index, place.value):
            if isinstance(value, (External, ExternalInstance)):
                if value.fqn.startswith(_PER_REQUEST):
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

    def _of_key(self, path: str, scope_index: int, tested: _Tested, text: str, owner: ClassValue | None) -> Guard:
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
                for op in self._resolver.scope(path, scope).ops:
                    if isinstance(op.target, model.Name) and op.target.id == part.id and op.value is not None:
                        value = op.value
                        if not isinstance(value, model.Name) and self._is_process_id(path, scope, value):
                            return True
        return False

    def _filled_by_callee(self, path: str, scope_index: int, place: model.Expr, region: _Region) -> bool:
        """A function called behind the test fills the tested global or attribute: `if X is None: init()`."""
        for index in region.calls(self._resolver.project.facts(path)):
            for value in self._resolver.callee(path, index):
                for function in functions_of(value):
                    scope = self._resolver.scope(function.path, function.scope)
                    if isinstance(place, model.Name):
                        if function.path == path and place.id in scope.globals and _Region(scope, 0, 0).fills(place):
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
            tested = _Tested(outer.func.value, outer.args[0])
            text = spell(tested.place)
            if isinstance(tested.place, model.Name):
                return self._judge_name(path, call.scope, tested, text)
            if isinstance(tested.place, model.Attr) and text:
                return self._judge_attribute(path, call.scope, tested, text)
        return None


@dataclass(frozen=True, slots=True)
class _Tested:
    """The variable, attribute or container under test, and the key looked up in it."""

    place: model.Expr
    key: model.Expr | None = None


class _Region:
    """The operations of a scope that lie in a block (or below it), from an operation on."""

    def __init__(self, scope: model.Scope, block: int, first: int) -> None:
        self._scope = scope
        self._block = block
        self._first = first

    def _inside(self, block: int) -> bool:
        return self._block in ancestors(self._scope, block)

    def fills(self, place: model.Expr) -> bool:
        """Something here assigns the place, or an item of it."""
        text = spell(place)
        for number, op in enumerate(self._scope.ops):
            if number < self._first or op.target is None or op.kind == "delete" or not self._inside(op.block):
                continue
            if any(_fills(target, text) for target in _targets(op.target)):
                return True
        return False

    def fills_locals(self) -> list[str]:
        """The bare names that are assigned here."""
        return [
            target.id
            for number, op in enumerate(self._scope.ops)
            if number >= self._first and op.target is not None and op.kind == "bind" and self._inside(op.block)
            for target in _targets(op.target)
            if isinstance(target, model.Name)
        ]

    def calls(self, facts: model.ModuleFacts | None) -> list[int]:
        """The calls that stand here."""
        if facts is None:
            return []
        return [
            index
            for index in self._scope.calls
            if facts.calls[index].op >= self._first and self._inside(facts.calls[index].block)
        ]


def _parameter_behind(scope: model.Scope, name: str) -> str:
    """The parameter that a local was set from first, or the name itself when it is one."""
    names = {each.name for each in scope.parameters}
    if name in names:
        return name
    for op in scope.ops:
        if isinstance(op.target, model.Name) and op.target.id == name and op.value is not None:
            return op.value.id if isinstance(op.value, model.Name) and op.value.id in names else ""
    return ""


def _targets(target: model.Expr) -> list[model.Expr]:
    return [each for item in target.items for each in _targets(item)] if isinstance(target, model.Items) else [target]


def _fills(target: model.Expr, text: str) -> bool:
    if isinstance(target, model.Subscript):
        return spell(target.value) == text
    return spell(target) == text


def _catches_missing(caught: model.Expr | None) -> bool:
    if caught is None:
        return True
    names = caught.items if isinstance(caught, model.Items) else [caught]
    return any(spell(name).rpartition(".")[2] in _MISSING_ERRORS for name in names)
