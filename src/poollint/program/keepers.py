"""How long the thing lives that a guard tests and fills, and so how often the guarded code runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments, dotted, last_name
from poollint.program.filling import is_empty_display
from poollint.program.guard import Guard
from poollint.program.keys import Keys, Lifetime
from poollint.program.sites import Times
from poollint.program.tested import GLOBALS
from poollint.program.values import ClassValue, External, ExternalInstance, Instance, ModuleValue

if TYPE_CHECKING:
    from poollint.program.names import Resolver
    from poollint.program.tested import Tested

_PER_REQUEST = (
    "flask.g",
    "flask.request",
    "flask.globals.g",
    "quart.g",
    "starlette.requests",
    "starlette.websockets",
    "fastapi.Request",
    "fastapi.WebSocket",
    "aiohttp.web.Request",
)
_REQUESTS = frozenset({"request", "g"})
_OF_APPLICATION = frozenset({"app", "application", "registry", "config_dict"})
"""Attributes of a request that are the application's: they outlive it."""
_PER_THREAD = ("threading.local", "_thread._local", "asgiref.local.Local", "contextvars.ContextVar")
_APPLICATIONS = frozenset(
    {"aiohttp.web.Application", "aiohttp.web_app.Application", "sanic.Sanic", "litestar.datastructures.State"}
)
"""What frameworks give to their handlers and that works like a dict."""
_CONTAINERS = frozenset(
    {"dict", "list", "set", "deque", "defaultdict", "OrderedDict", "WeakValueDictionary", "WeakKeyDictionary"}
)
_MOST_ALIASES = 3


class Keepers:
    """Judges what a test guards whose place is filled behind it."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._keys = Keys(resolver)

    def judge(self, path: str, scope_index: int, tested: Tested) -> Guard | None:
        """The guard that the place makes, or None for one that does not outlive the call."""
        if isinstance(tested.place, model.Name):
            return self._judge_name(path, scope_index, tested, tested.place.id)
        if isinstance(tested.place, model.Attr):
            return self._judge_attribute(path, scope_index, tested, tested.place)
        return None

    def binder(self, path: str, scope_index: int, name: str) -> int:
        """The scope whose variable a name is, seen from `scope_index`; -1 when no scope binds it."""
        if name == GLOBALS:
            return 0
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

    # ---------------------------------------------------------------------------------------------- names
    def _judge_name(self, path: str, scope_index: int, tested: Tested, name: str) -> Guard | None:
        current = self.binder(path, scope_index, name)
        if current < 0:
            return None
        scope = self._resolver.scope(path, current)
        if current == scope_index and scope.kind in ("function", "lambda"):
            return self._judge_own(path, scope_index, tested, name)
        if self._is_per_thread(path, current, tested.place):
            return Guard(Times.PER_THREAD, name, key=tested.key)
        if scope.kind in ("function", "lambda"):
            # A variable of an enclosing function lives as long as its closure: once per run of that function.
            found = self._of_key(path, scope_index, tested, name, None)
            if found is not None and found.times is Times.ONCE:
                return Guard(Times.PER_PROCESS, name, key=tested.key)
            return found
        return self._of_key(path, scope_index, tested, name, None)

    def _judge_own(self, path: str, scope_index: int, tested: Tested, name: str) -> Guard | None:
        """A variable of the function itself: a parameter, which may be a container that all calls share by default."""
        scope = self._resolver.scope(path, scope_index)
        parameter = next((each for each in scope.parameters if each.name == name), None)
        if parameter is not None and self._is_shared_default(path, parameter, scope):
            found = self._of_key(path, scope_index, tested, name, None)
            return Guard(found.times, f"+{name}", None, tested.key, parameter=True) if found is not None else None
        if parameter is not None and self._is_application(path, scope_index, tested.place):
            return self._of_key(path, scope_index, tested, name, None)
        if tested.key is not None or tested.typed:
            # A parameter of another class is a URL as often as nothing at all.
            return None
        behind = _parameter_behind(scope, name)
        return Guard(None, behind, parameter=True) if behind else None

    def _is_shared_default(self, path: str, parameter: model.Parameter, scope: model.Scope) -> bool:
        """`def f(key, _cache={})`, where the function does not bind the name to something else."""
        if any(assignments(scope, parameter.name)):
            return False
        default = parameter.default
        if isinstance(default, model.CallRef):
            return last_name(self._resolver.call(path, default.index).func) in _CONTAINERS
        return is_empty_display(default) and not (isinstance(default, model.Items) and default.kind == "tuple")

    def _is_application(self, path: str, scope: int, place: model.Expr) -> bool:
        values = self._resolver.values(path, scope, place)
        return any(isinstance(each, ExternalInstance) and each.fqn in _APPLICATIONS for each in values)

    # ---------------------------------------------------------------------------------------------- attributes
    def _judge_attribute(self, path: str, scope_index: int, tested: Tested, place: model.Attr) -> Guard | None:
        text = dotted(place)
        written_out = self._written_out(path, scope_index, text).split(".")
        of_application = not _OF_APPLICATION.isdisjoint(written_out[1:])
        for value in self._resolver.values(path, scope_index, place.value):
            if isinstance(value, (External, ExternalInstance)):
                if value.fqn.startswith(_PER_REQUEST) and ".app" not in value.fqn and not of_application:
                    return None
                if value.fqn.startswith(_PER_THREAD):
                    return Guard(Times.PER_THREAD, text, key=tested.key)
            elif isinstance(value, Instance):
                owner = None if self._is_class_level(value.cls, place) else value.cls
                return self._of_key(path, scope_index, tested, text, owner)
            elif isinstance(value, (ClassValue, ModuleValue)):
                return self._of_key(path, scope_index, tested, text, None)
        if self._is_per_thread(path, scope_index, place.value):
            return Guard(Times.PER_THREAD, text, key=tested.key)
        if written_out[0] in _REQUESTS and not of_application:
            return None
        return self._of_key(path, scope_index, tested, text, None)

    def _written_out(self, path: str, scope_index: int, text: str) -> str:
        """The dotted name with local names for attributes replaced: `state = request.state`, then `state.engine`."""
        scope = self._resolver.scope(path, scope_index)
        for _ in range(_MOST_ALIASES):
            root, _, rest = text.partition(".")
            bound = [op.value for op in assignments(scope, root)]
            if len(bound) != 1 or not isinstance(bound[0], model.Attr) or not dotted(bound[0]):
                break
            text = f"{dotted(bound[0])}.{rest}"
        return text

    def _is_class_level(self, cls: ClassValue, place: model.Attr) -> bool:
        """A mutable container of the class body is shared by all instances, unless __init__ gives each its own."""
        found = self._resolver.classes.find(cls, place.attr)
        if found is None:
            return False
        owner, members = found
        own = [member for member in members if member.scope != owner.scope and member.kind == "value"]
        body = [member for member in members if member.scope == owner.scope and member.kind == "value"]
        return bool(body) and not own

    # ---------------------------------------------------------------------------------------------- lifetimes
    def _of_key(self, path: str, scope: int, tested: Tested, text: str, owner: ClassValue | None) -> Guard | None:
        """The guard of a place that lives as long as the process, or as `owner`, under the key."""
        lifetime = self._keys.lifetime(path, scope, tested.key) if tested.key is not None else Lifetime.CONSTANT
        if lifetime is Lifetime.CALL:
            return None
        if lifetime is Lifetime.PROCESS:
            return Guard(Times.PER_PROCESS, text, owner, tested.key)
        if owner is not None:
            return Guard(None, text, owner, tested.key)
        if lifetime is Lifetime.THREAD:
            return Guard(Times.PER_THREAD, text, key=tested.key)
        return Guard(Times.ONCE if lifetime is Lifetime.CONSTANT else Times.PER_KEY, text, key=tested.key)

    def _is_per_thread(self, path: str, scope: int, place: model.Expr) -> bool:
        values = self._resolver.values(path, scope, place)
        return any(isinstance(v, (ExternalInstance, External)) and v.fqn.startswith(_PER_THREAD) for v in values)


def _parameter_behind(scope: model.Scope, name: str) -> str:
    """The parameter that a local was set from first, or the name itself when it is one."""
    names = {each.name for each in scope.parameters}
    if name in names:
        return name
    for op in assignments(scope, name):
        if op.value is not None:
            return op.value.id if isinstance(op.value, model.Name) and op.value.id in names else ""
    return ""
