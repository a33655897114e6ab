"""One resolver from an expression in a scope to the values it may stand for.

Resolution is flow-insensitive (all assignments of a name in its scope count), follows imports, aliases, re-exports,
star imports, inheritance and attributes assigned in the class, and never guesses: what it cannot follow is nothing.
Results that were cut short by a cycle are not remembered, so an answer does not depend on what was asked before.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import annotations as hints
from poollint.program.answers import MOST_VALUES, Answers
from poollint.program.bindings import Binding, FileIndex
from poollint.program.calls import Calls
from poollint.program.classes import Classes
from poollint.program.imports import Imports
from poollint.program.values import (
    NOTHING,
    ClassValue,
    Container,
    External,
    ExternalInstance,
    Function,
    Generated,
    Instance,
    ModuleValue,
    NamespaceValue,
    Super,
    Value,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    from poollint.library.loader import Library
    from poollint.program.project import Project

_BUILTINS = frozenset(dir(builtins))
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
        self._answers = Answers()
        self._indexes: dict[str, FileIndex | None] = {}
        self.classes = Classes(self)
        self.imports = Imports(self)
        self.calls = Calls(self, self._answers)

    # ---------------------------------------------------------------------------------------------- tables
    def index(self, path: str) -> FileIndex | None:
        """The binding index of a file, or None when it has no facts."""
        if path not in self._indexes:
            facts = self.project.facts(path)
            self._indexes[path] = FileIndex(facts) if facts is not None else None
        return self._indexes[path]

    def bindings(self, path: str) -> FileIndex:
        """The binding index of a file that is known to have facts."""
        index = self.index(path)
        assert index is not None
        return index

    def facts(self, path: str) -> model.ModuleFacts:
        """The facts of a file that is known to have them."""
        facts = self.project.facts(path)
        assert facts is not None
        return facts

    def scope(self, path: str, scope: int) -> model.Scope:
        """The facts of one scope."""
        return self.facts(path).scopes[scope]

    def call(self, path: str, index: int) -> model.Call:
        """The facts of one call."""
        return self.facts(path).calls[index]

    def callee(self, path: str, index: int) -> Values:
        """What a call may run."""
        call = self.call(path, index)
        return self.values(path, call.scope, call.func)

    def defining_class(self, path: str, scope: int) -> ClassValue | None:
        """The class in whose body the scope is defined: that of a method, or of a nested class."""
        parent = self.scope(path, scope).parent
        if parent > 0 and self.scope(path, parent).kind == "class":
            return ClassValue(path, parent)
        return None

    def decorating(self, path: str, decorator: model.Decorator) -> tuple[model.Expr, model.Call | None]:
        """What decorates, and the call that configures it: `(retry, <the call>)` for `@retry(times=3)`."""
        if not isinstance(decorator.value, model.CallRef):
            return decorator.value, None
        call = self.call(path, decorator.value.index)
        return call.func, call

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
            return self.calls.result(path, expr.index)
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
            return self.calls.element(self.values(path, scope, expr.value))
        return NOTHING

    def _all(self, path: str, scope: int, items: list[model.Expr]) -> Values:
        return tuple(value for item in items for value in self.values(path, scope, item))

    def _container(self, path: str, scope: int, items: list[model.Expr]) -> Values:
        return (Container(tuple(dict.fromkeys(self._all(path, scope, items)))[:MOST_VALUES]),)

    def _attribute_of(self, path: str, scope: int, expr: model.Attr) -> Values:
        key = ("attribute", path, scope, _identity(expr))
        return self._answers.of(key, lambda: self.attributes(self.values(path, scope, expr.value), expr.attr))

    def attributes(self, values: Values, attr: str) -> list[Value]:
        """The values of `value.attr` for any of the values."""
        return [found for value in values for found in self.attribute(value, attr)]

    # ---------------------------------------------------------------------------------------------- names
    def lookup(self, path: str, scope: int, name: str) -> Values:
        """The values of a bare name seen from `scope`."""
        return self._answers.of(("name", path, scope, name), lambda: self._lookup(path, scope, name))

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
                    found = self.imports.from_star(path, imported, name)
                    if found:
                        return list(found)
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
            return self.imports.values(path, binding.imported)
        if kind == "value":
            return self.values(path, scope, binding.value)
        if kind == "parameter" and binding.parameter is not None:
            return self.parameter(path, scope, binding.parameter)
        if kind == "element":
            return self.calls.element(self.values(path, scope, binding.value))
        if kind == "entered":
            return self.calls.entered(self.values(path, scope, binding.value))
        if kind == "item":
            return self.item(path, scope, binding.value, binding.position)
        if kind == "annotation" and binding.value is not None:
            return hints.instances(self, path, scope, binding.value)
        return NOTHING

    def item(self, path: str, scope: int, value: model.Expr | None, position: int) -> Values:
        """What an unpacked value gives at a position."""
        if isinstance(value, model.Items) and position < len(value.items):
            return self.values(path, scope, value.items[position])
        return self.calls.element(self.values(path, scope, value))

    def definition(self, path: str, scope: int) -> Values:
        """The values of a `def` or `class` statement: itself, and what a decorator of the program wraps it in."""
        facts = self.scope(path, scope)
        if facts.kind == "class":
            return (ClassValue(path, scope),)
        own = Function(path, scope)
        found: list[Value] = [own]
        for decorator in facts.decorators:
            found.extend(self._wrappers(path, facts.parent, decorator.value))
            found.extend(self._decorated_object(path, facts.parent, decorator))
        return tuple(dict.fromkeys(found))

    def _decorated_object(self, path: str, scope: int, decorator: model.Decorator) -> list[Value]:
        """The library object that a decorator makes of the function (click.group gives a Group)."""
        func, _ = self.decorating(path, decorator)
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
                found.extend(each for each in self.calls.returned(value) if isinstance(each, Function))
            elif isinstance(value, Function):
                found.append(value)
                found.extend(each for each in self.calls.returned(value) if isinstance(each, Function))
        return found

    def parameter(self, path: str, scope: int, parameter: model.Parameter) -> Values:
        """The values of a parameter, from what its own definition says: self, annotation, default."""
        facts = self.scope(path, scope)
        if self.defining_class(path, scope) is not None and facts.parameters[0] is parameter:
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
                func, _ = self.decorating(path, decorator)
                found.extend(v for v in self.values(path, max(facts.parent, 0), func) if isinstance(v, External))
            return found

        return frozenset(value.fqn for value in self._answers.of(key, compute) if isinstance(value, External))

    # ---------------------------------------------------------------------------------------------- attributes
    def attribute(self, value: Value, attr: str) -> Values:
        """The values of `value.attr`."""
        if isinstance(value, External):
            return self._external_attribute(value.fqn, attr, instance=False)
        if isinstance(value, ExternalInstance):
            return self._external_attribute(value.fqn, attr, instance=True)
        if isinstance(value, (ModuleValue, NamespaceValue)):
            return self.imports.attribute(value.path, attr)
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

    def is_property(self, function: Function) -> bool:
        """The method is read as an attribute."""
        return not _PROPERTIES.isdisjoint(self.decorator_names(function.path, function.scope))


def _identity(expr: model.Expr) -> Hashable:
    """A hashable form of a dotted expression (calls by their index)."""
    if isinstance(expr, model.Name):
        return expr.id
    if isinstance(expr, model.Attr):
        return (_identity(expr.value), expr.attr)
    if isinstance(expr, model.CallRef):
        return expr.index
    return repr(expr)
