"""One resolver from an expression in a scope to the values it may stand for.

Resolution is flow-insensitive (all assignments of a name in its scope count), follows imports, aliases, re-exports,
star imports, inheritance and attributes assigned in the class, and never guesses: what it cannot follow is nothing.
Results that were cut short by a cycle are not remembered, so an answer does not depend on what was asked before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import annotations as hints
from poollint.program.bindings import Binding, FileIndex, Member
from poollint.program.classes import Classes
from poollint.program.values import (
    NOTHING,
    BoundMethod,
    ClassValue,
    Container,
    External,
    ExternalInstance,
    Function,
    Generated,
    Instance,
    ModuleValue,
    NamespaceValue,
    Partial,
    Super,
    Value,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from poollint.library.loader import Library
    from poollint.program.project import Project

MOST_VALUES = 16
DEEPEST = 40
NEVER_CUT = 1_000_000
_BUILTIN_CONTAINERS = frozenset(
    {"builtins.list", "builtins.tuple", "builtins.set", "builtins.iter", "builtins.sorted", "builtins.reversed"}
)
_PASS_THROUGH = {"typing.cast": 1, "copy.copy": 0, "typing_extensions.cast": 1}
_CONTEXT_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_PROPERTIES = frozenset(
    {
        "builtins.property",
        "functools.cached_property",
        "django.utils.functional.cached_property",
        "werkzeug.utils.cached_property",
        "kombu.utils.objects.cached_property",
        "pyramid.decorator.reify",
        "abc.abstractproperty",
        "sqlalchemy.util.memoized_property",
    }
)


class Resolver:
    """Answers "what may this expression be" for one program."""

    def __init__(self, project: Project, library: Library) -> None:
        self.project = project
        self.library = library
        self.classes = Classes(self)
        self._indexes: dict[str, FileIndex | None] = {}
        self._memo: dict[Hashable, Values] = {}
        self._provisional: dict[Hashable, Values] = {}
        self._active: dict[Hashable, int] = {}
        self._cut = NEVER_CUT

    # ---------------------------------------------------------------------------------------------- tables
    def index(self, path: str) -> FileIndex | None:
        """The binding index of a file, or None when it has no facts."""
        if path not in self._indexes:
            facts = self.project.facts(path)
            self._indexes[path] = FileIndex(facts) if facts is not None else None
        return self._indexes[path]

    def scope(self, path: str, scope: int) -> model.Scope:
        """The facts of one scope."""
        facts = self.project.facts(path)
        assert facts is not None
        return facts.scopes[scope]

    def call(self, path: str, index: int) -> model.Call:
        """The facts of one call."""
        facts = self.project.facts(path)
        assert facts is not None
        return facts.calls[index]

    def _guarded(self, key: Hashable, compute: Callable[[], Iterable[Value]]) -> Values:
        """Remember the answer to `key`; a question that comes up again while it is being answered adds nothing.

        Answers found inside of such a cycle are kept for the outermost question only, unless they hold something.
        """
        found = self._memo.get(key)
        if found is not None:
            return found
        found = self._provisional.get(key)
        if found is not None:
            return found
        depth = len(self._active)
        if key in self._active:
            self._cut = min(self._cut, self._active[key])
            return NOTHING
        if depth >= DEEPEST:
            self._cut = -1
            return NOTHING
        self._active[key] = depth
        try:
            result = tuple(dict.fromkeys(compute()))[:MOST_VALUES]
        finally:
            del self._active[key]
        if self._cut >= depth:
            self._memo[key] = result
            self._cut = NEVER_CUT
        else:
            self._provisional[key] = result
        if depth == 0:
            self._memo.update((each, values) for each, values in self._provisional.items() if values or each == key)
            self._provisional.clear()
            self._cut = NEVER_CUT
        return result

    # ---------------------------------------------------------------------------------------------- expressions
    def values(self, path: str, scope: int, expr: model.Expr | None) -> Values:
        """The values that `expr` may have where it stands in `scope` of the file."""
        if expr is None:
            return NOTHING
        if isinstance(expr, model.Name):
            return self.lookup(path, scope, expr.id)
        if isinstance(expr, model.Attr):
            return self._attribute_of(path, scope, expr)
        if isinstance(expr, model.CallRef):
            return self.call_result(path, expr.index)
        if isinstance(expr, model.Lambda):
            return (Function(path, expr.scope),)
        if isinstance(expr, (model.Await, model.Walrus, model.Star)):
            return self.values(path, scope, expr.value)
        if isinstance(expr, model.Bool):
            return self._all(path, scope, expr.items)
        if isinstance(expr, model.Conditional):
            return self.values(path, scope, expr.body) + self.values(path, scope, expr.orelse)
        if isinstance(expr, model.Items):
            return self._container(path, scope, expr.items)
        if isinstance(expr, model.Mapping):
            return self._container(path, scope, expr.values)
        if isinstance(expr, model.Comprehension):
            return self._container(path, scope, expr.elements[-1:])
        if isinstance(expr, model.Subscript):
            return self._element(self.values(path, scope, expr.value))
        return NOTHING

    def _all(self, path: str, scope: int, items: list[model.Expr]) -> Values:
        return tuple(value for item in items for value in self.values(path, scope, item))

    def _container(self, path: str, scope: int, items: list[model.Expr]) -> Values:
        return (Container(tuple(dict.fromkeys(self._all(path, scope, items)))[:MOST_VALUES]),)

    def _element(self, values: Values) -> Values:
        found: list[Value] = []
        for value in values:
            if isinstance(value, Container):
                found.extend(value.items)
            elif isinstance(value, Generated):
                found.extend(self.yields(value.function))
            elif isinstance(value, (ClassValue, External)):
                found.append(value)  # Generic[T]
        return tuple(found)

    def _attribute_of(self, path: str, scope: int, expr: model.Attr) -> Values:
        key = ("attribute", path, scope, _spell(expr))
        return self._guarded(key, lambda: self._attributes(self.values(path, scope, expr.value), expr.attr))

    def _attributes(self, values: Values, attr: str) -> list[Value]:
        return [found for value in values for found in self.attribute(value, attr)]

    # ---------------------------------------------------------------------------------------------- names
    def lookup(self, path: str, scope: int, name: str) -> Values:
        """The values of a bare name seen from `scope`."""
        return self._guarded(("name", path, scope, name), lambda: self._lookup(path, scope, name))

    def _lookup(self, path: str, scope: int, name: str) -> list[Value]:
        index = self.index(path)
        if index is None:
            return []
        current, start = scope, True
        while current >= 0:
            facts = index.facts.scopes[current]
            if name in facts.globals:
                current, start = 0, False
                continue
            if facts.kind != "class" or start:
                bindings = index.names(current).get(name)
                if bindings:
                    return self._bound(path, current, name, bindings)
            current, start = facts.parent, False
        return self._not_local(path, index, name)

    def _not_local(self, path: str, index: FileIndex, name: str) -> list[Value]:
        stores = index.stores_to_global(name)
        if stores:
            return [value for scope, binding in stores for value in self._binding(path, scope, binding)]
        for scope in index.facts.scopes:
            for imported in scope.imports:
                if imported.name == "*":
                    found = self._star(path, imported, name)
                    if found:
                        return found
        if name in _BUILTINS:
            return [External(f"builtins.{name}")]
        return []

    def _bound(self, path: str, scope: int, name: str, bindings: list[Binding]) -> list[Value]:
        found = [value for binding in bindings for value in self._binding(path, scope, binding)]
        if scope == 0:
            index = self.index(path)
            if index is not None:
                for inner, binding in index.stores_to_global(name):
                    found.extend(self._binding(path, inner, binding))
        return found

    def _binding(self, path: str, scope: int, binding: Binding) -> Values:
        kind = binding.kind
        if kind == "definition":
            return self.definition(path, binding.scope)
        if kind == "import" and binding.imported is not None:
            return tuple(self._import(path, binding.imported))
        if kind == "value":
            return self.values(path, scope, binding.value)
        if kind == "parameter" and binding.parameter is not None:
            return self.parameter(path, scope, binding.parameter)
        if kind == "element":
            return self._element(self.values(path, scope, binding.value))
        if kind == "entered":
            return self.entered(self.values(path, scope, binding.value))
        if kind == "item":
            return self._item(path, scope, binding.value, binding.position)
        if kind == "annotation" and binding.value is not None:
            return hints.instances(self, path, scope, binding.value)
        return NOTHING

    def _item(self, path: str, scope: int, value: model.Expr | None, position: int) -> Values:
        if isinstance(value, model.Items) and position < len(value.items):
            return self.values(path, scope, value.items[position])
        return self._element(self.values(path, scope, value))

    def definition(self, path: str, scope: int) -> Values:
        """The values of a `def` or `class` statement: itself, and what a decorator of the program wraps it in."""
        facts = self.scope(path, scope)
        if facts.kind == "class":
            return (ClassValue(path, scope),)
        own = Function(path, scope)
        found: list[Value] = [own]
        for decorator in facts.decorators:
            found.extend(self._wrappers(path, facts.parent, decorator.value))
            found.extend(self._decorated_object(path, facts.parent, decorator.value))
        return tuple(dict.fromkeys(found))

    def _decorated_object(self, path: str, scope: int, decorator: model.Expr) -> list[Value]:
        """The library object that a decorator makes of the function (click.group gives a Group)."""
        func = self.call(path, decorator.index).func if isinstance(decorator, model.CallRef) else decorator
        found: list[Value] = []
        for value in self.values(path, max(scope, 0), func):
            row = self.library.type_row(value.fqn) if isinstance(value, External) else None
            if row is not None and row.decorates:
                found.append(ExternalInstance(self.library.canonical(row.decorates)))
        return found

    def _wrappers(self, path: str, scope: int, decorator: model.Expr) -> list[Value]:
        """The functions that a decorator of the program puts in the place of what it decorates."""
        found: list[Value] = []
        for value in self.values(path, scope, decorator):
            if isinstance(value, Function) and not isinstance(decorator, model.CallRef):
                found.extend(each for each in self.returned(value) if isinstance(each, Function))
            elif isinstance(value, Function):
                found.append(value)
                found.extend(each for each in self.returned(value) if isinstance(each, Function))
        return found

    def parameter(self, path: str, scope: int, parameter: model.Parameter) -> Values:
        """The values of a parameter, from what its own definition says: self, annotation, default."""
        facts = self.scope(path, scope)
        parent = self.scope(path, facts.parent) if facts.parent >= 0 else None
        if parent is not None and parent.kind == "class" and facts.parameters[0] is parameter:
            kinds = self.decorator_names(path, scope)
            if "builtins.classmethod" in kinds or facts.name in ("__new__", "__init_subclass__", "__class_getitem__"):
                return (ClassValue(path, facts.parent),)
            if "builtins.staticmethod" not in kinds:
                return (Instance(path, facts.parent, False),)
        found: list[Value] = []
        outer = max(facts.parent, 0)
        if parameter.annotation is not None:
            found.extend(hints.instances(self, path, outer, parameter.annotation))
            if parameter.kind in ("vararg", "kwarg"):
                found = [Container(tuple(found))]
        if parameter.default is not None:
            found.extend(self.values(path, outer, parameter.default))
        return tuple(dict.fromkeys(found))

    def decorator_names(self, path: str, scope: int) -> frozenset[str]:
        """The canonical names of the library decorators of a function."""
        key = ("decorators", path, scope)

        def compute() -> list[Value]:
            facts = self.scope(path, scope)
            found: list[Value] = []
            for decorator in facts.decorators:
                expr = decorator.value
                if isinstance(expr, model.CallRef):
                    expr = self.call(path, expr.index).func
                found.extend(v for v in self.values(path, max(facts.parent, 0), expr) if isinstance(v, External))
            return found

        return frozenset(value.fqn for value in self._guarded(key, compute) if isinstance(value, External))

    # ---------------------------------------------------------------------------------------------- imports
    def _import(self, path: str, imported: model.Import) -> list[Value]:
        if imported.level:
            module = self.project.relative(path, imported.level, imported.module)
        else:
            module = self.project.module(path, imported.module)
        if not imported.attribute:
            if module is None:
                return [External(self.library.canonical(imported.module))]
            return [self._module_value(module)]
        if module is None:
            prefix = imported.module
            if imported.level:
                return []
            return [External(self.library.canonical(f"{prefix}.{imported.attribute}"))]
        found = list(self.module_attribute(module, imported.attribute))
        if not found and not imported.level and module.endswith("/"):
            # A namespace folder that shadows nothing: the name may live in an installed part of the namespace.
            return [External(self.library.canonical(f"{imported.module}.{imported.attribute}"))]
        return found

    def _module_value(self, module: str) -> Value:
        return NamespaceValue(module) if module.endswith("/") else ModuleValue(module)

    def module_attribute(self, module: str, name: str) -> Values:
        """A name of a module of the program: what it binds, else a submodule."""
        found: Values = NOTHING
        if not module.endswith("/"):
            index = self.index(module)
            if index is not None and (name in index.names(0) or index.stores_to_global(name) or self._has_star(index)):
                found = tuple(value for value in self.lookup(module, 0, name) if not _is_builtin(value, name))
        if found:
            return found
        submodule = self.project.submodule(module, name)
        return (self._module_value(submodule),) if submodule is not None else NOTHING

    def _has_star(self, index: FileIndex) -> bool:
        return any(imported.name == "*" for imported in index.facts.scopes[0].imports)

    def _star(self, path: str, imported: model.Import, name: str) -> list[Value]:
        if imported.level:
            module = self.project.relative(path, imported.level, imported.module)
        else:
            module = self.project.module(path, imported.module)
        if module is None:
            fqn = self.library.canonical(f"{imported.module}.{name}")
            return [External(fqn)] if self.library.knows(fqn) else []
        index = self.index(module) if not module.endswith("/") else None
        if index is None:
            return []
        if index.facts.exports is not None and name not in index.facts.exports:
            return []
        if index.facts.exports is None and name.startswith("_"):
            return []
        return list(self.module_attribute(module, name))

    # ---------------------------------------------------------------------------------------------- attributes
    def attribute(self, value: Value, attr: str) -> Values:
        """The values of `value.attr`."""
        if isinstance(value, External):
            return self._external_attribute(value.fqn, attr, instance=False)
        if isinstance(value, ExternalInstance):
            return self._external_attribute(value.fqn, attr, instance=True)
        if isinstance(value, ModuleValue):
            return self.module_attribute(value.path, attr)
        if isinstance(value, NamespaceValue):
            return self.module_attribute(value.path, attr)
        if isinstance(value, (Instance, ClassValue, Super)):
            return self.classes.attribute(value, attr)
        if isinstance(value, Generated) and attr in ("__next__", "__anext__", "__enter__", "__aenter__"):
            return (value,)
        return NOTHING

    def _external_attribute(self, fqn: str, attr: str, instance: bool) -> Values:
        row = self.library.type_row(fqn)
        if row is not None:
            if instance and attr in row.attributes:
                return (ExternalInstance(self.library.canonical(row.attributes[attr])),)
            if attr in row.class_attributes:
                return (External(self.library.canonical(row.class_attributes[attr])),)
            if instance and row.fluent and not self.library.knows(f"{fqn}.{attr}"):
                return (ExternalInstance(fqn),)
        return (External(self.library.canonical(f"{fqn}.{attr}")),)

    # ---------------------------------------------------------------------------------------------- calls
    def callee(self, path: str, index: int) -> Values:
        """What a call may run."""
        call = self.call(path, index)
        return self.values(path, call.scope, call.func)

    def call_result(self, path: str, index: int) -> Values:
        """What a call may give."""
        return self._guarded(("call", path, index), lambda: self._call_result(path, index))

    def _call_result(self, path: str, index: int) -> list[Value]:
        call = self.call(path, index)
        if isinstance(call.func, model.Name) and call.func.id == "super":
            return self._super(path, call.scope)
        found: list[Value] = []
        for value in self.values(path, call.scope, call.func):
            found.extend(self.result_of(value, path, call))
        if not found and isinstance(call.func, model.Attr):
            found.extend(self._container_method(path, call, call.func))
        return found

    def _container_method(self, path: str, call: model.Call, func: model.Attr) -> list[Value]:
        if func.attr not in ("get", "pop", "setdefault", "values", "items", "copy", "popleft", "popitem"):
            return []
        found: list[Value] = []
        for value in self.values(path, call.scope, func.value):
            if isinstance(value, Container):
                found.extend([value] if func.attr in ("values", "items", "copy") else value.items)
        return found

    def _super(self, path: str, scope: int) -> list[Value]:
        current = scope
        while current >= 0:
            facts = self.scope(path, current)
            if facts.kind == "class":
                return [Super(path, current)]
            current = facts.parent
        return []

    def result_of(self, value: Value, path: str, call: model.Call) -> Values:
        """What calling `value` gives; the call's arguments matter for a few library functions only."""
        if isinstance(value, Function):
            return self.function_result(value)
        if isinstance(value, BoundMethod):
            return self.function_result(value.function, value.owner)
        if isinstance(value, Partial):
            return self.result_of(value.function, path, call)
        if isinstance(value, ClassValue):
            return self._construct(value)
        if isinstance(value, Instance):
            methods = self.attribute(value, "__call__")
            return tuple(each for method in methods for each in self.result_of(method, path, call))
        if isinstance(value, External):
            return self._external_result(value.fqn, path, call)
        if isinstance(value, ExternalInstance):
            row = self.library.type_row(f"{value.fqn}.__call__")
            if row is not None and row.returns:
                return (ExternalInstance(self.library.canonical(row.returns)),)
            own = self.library.type_row(value.fqn)
            if own is not None and own.fluent:
                return (value,)
        return NOTHING

    def _construct(self, value: ClassValue) -> Values:
        return (Instance(value.path, value.scope),)

    def _external_result(self, fqn: str, path: str, call: model.Call) -> Values:
        if fqn == "functools.partial" and call.args:
            taken = len(call.args) - 1
            return tuple(Partial(each, taken) for each in self.values(path, call.scope, call.args[0]))
        if fqn in _PASS_THROUGH and len(call.args) > _PASS_THROUGH[fqn]:
            return self.values(path, call.scope, call.args[_PASS_THROUGH[fqn]])
        if fqn == "builtins.getattr" and len(call.args) >= 2:
            name = call.args[1]
            if isinstance(name, model.Const) and isinstance(name.value, str):
                return tuple(self._attributes(self.values(path, call.scope, call.args[0]), name.value))
            return NOTHING
        if fqn in ("builtins.next", "builtins.anext") and call.args:
            return self._element(self.values(path, call.scope, call.args[0]))
        if fqn in _BUILTIN_CONTAINERS and call.args:
            values = self.values(path, call.scope, call.args[0])
            return (Container(self._element(values)),)
        if fqn == "builtins.dict":
            found = [each for _, value in call.keywords for each in self.values(path, call.scope, value)]
            return (Container(tuple(found)),)
        if fqn in ("builtins.staticmethod", "builtins.classmethod", "functools.wraps"):
            return tuple(each for argument in call.args for each in self.values(path, call.scope, argument))
        if self.library.memoizer(fqn) is not None and len(call.args) == 1:
            held = self.values(path, call.scope, call.args[0])
            functions = tuple(each for each in held if isinstance(each, (Function, BoundMethod)))
            if functions:
                return functions
        row = self.library.type_row(fqn)
        if row is not None and row.returns:
            return (ExternalInstance(self.library.canonical(row.returns)),)
        return (ExternalInstance(fqn),)

    def function_result(self, function: Function, owner: ClassValue | None = None) -> Values:
        """What calling a function of the program gives."""
        facts = self.scope(function.path, function.scope)
        if facts.is_generator:
            return (Generated(function),)
        return self.returned(function)

    def returned(self, function: Function) -> Values:
        """The values of a function's return statements, else the class that its annotation names."""
        key = ("returned", function)
        return self._guarded(key, lambda: self._returned(function))

    def _returned(self, function: Function) -> list[Value]:
        facts = self.scope(function.path, function.scope)
        found: list[Value] = []
        for op in facts.ops:
            if op.kind == "return" and op.value is not None:
                found.extend(self.values(function.path, function.scope, op.value))
        if not found and facts.returns is not None and not facts.is_generator:
            found.extend(hints.instances(self, function.path, max(facts.parent, 0), facts.returns))
        return found

    def yields(self, function: Function) -> Values:
        """The values of a generator's yield expressions."""

        def compute() -> list[Value]:
            facts = self.scope(function.path, function.scope)
            found: list[Value] = []
            for op in facts.ops:
                if op.kind == "yield":
                    found.extend(self.values(function.path, function.scope, op.value))
            return found

        return self._guarded(("yields", function), compute)

    def entered(self, values: Values) -> Values:
        """What `with value as x` binds to x."""
        found: list[Value] = []
        for value in values:
            if isinstance(value, Generated):
                found.extend(self.yields(value.function))
            elif isinstance(value, ExternalInstance):
                row = self.library.type_row(value.fqn)
                found.append(
                    ExternalInstance(self.library.canonical(row.enters)) if row is not None and row.enters else value
                )
            elif isinstance(value, Instance):
                entered = [
                    each
                    for name in ("__enter__", "__aenter__")
                    for method in self.attribute(value, name)
                    if isinstance(method, BoundMethod)
                    for each in self.returned(method.function)
                ]
                found.extend(entered or [value])
        return tuple(found)

    def is_context_manager(self, function: Function) -> bool:
        """The generator function is decorated with contextmanager or asynccontextmanager."""
        return not _CONTEXT_MANAGERS.isdisjoint(self.decorator_names(function.path, function.scope))

    def is_property(self, function: Function) -> bool:
        """The method is read as an attribute."""
        return not _PROPERTIES.isdisjoint(self.decorator_names(function.path, function.scope))

    def member(self, cls: ClassValue, member: Member, receiver: Value) -> Values:
        """The values of one member of a class, looked up on `receiver`."""
        if member.kind == "definition":
            return self._definition_member(cls, member, receiver)
        if member.kind == "value":
            values = self.values(cls.path, member.scope, member.value)
        elif member.kind == "entered":
            values = self.entered(self.values(cls.path, member.scope, member.value))
        elif member.kind == "item":
            values = self._item(cls.path, member.scope, member.value, member.position)
        elif member.kind == "element":
            values = self._element(self.values(cls.path, member.scope, member.value))
        elif member.kind == "annotation" and member.value is not None:
            values = hints.instances(self, cls.path, member.scope, member.value)
        else:
            values = NOTHING
        return values

    def _definition_member(self, cls: ClassValue, member: Member, receiver: Value) -> Values:
        facts = self.scope(cls.path, member.definition)
        if facts.kind == "class":
            return (ClassValue(cls.path, member.definition),)
        found: list[Value] = []
        for value in self.definition(cls.path, member.definition):
            if not isinstance(value, Function):
                continue
            if value.scope != member.definition or value.path != cls.path:
                found.append(value)
                continue
            names = self.decorator_names(cls.path, member.definition)
            if "builtins.staticmethod" in names:
                found.append(value)
            elif self.is_property(value):
                found.extend(self.returned(value) if not isinstance(receiver, ClassValue) else ())
            elif isinstance(receiver, ClassValue) and "builtins.classmethod" not in names and facts.name != "__new__":
                found.append(value)
            else:
                found.append(BoundMethod(value, cls))
        return tuple(found)


def _is_builtin(value: Value, name: str) -> bool:
    return isinstance(value, External) and value.fqn == f"builtins.{name}"


def _spell(expr: model.Expr) -> Hashable:
    """A hashable form of a dotted expression (calls by their index)."""
    if isinstance(expr, model.Name):
        return expr.id
    if isinstance(expr, model.Attr):
        return (_spell(expr.value), expr.attr)
    if isinstance(expr, model.CallRef):
        return expr.index
    return repr(expr)


_BUILTINS = frozenset(dir(__import__("builtins")))
