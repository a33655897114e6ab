"""What calls give: the results of functions, classes and library symbols, iteration and `with` included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.library.model import SessionKind
from poollint.program import annotations as hints
from poollint.program.expressions import text_of, values_given
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
    from poollint.program.answers import Answers
    from poollint.program.names import Resolver

_BUILTIN_CONTAINERS = frozenset(
    {"builtins.list", "builtins.tuple", "builtins.set", "builtins.iter", "builtins.sorted", "builtins.reversed"}
)
_PASS_THROUGH = {"typing.cast": 1, "copy.copy": 0, "typing_extensions.cast": 1}
_IMPORTS_BY_NAME = "importlib.import_module"
_ITEM_METHODS = frozenset({"get", "pop", "setdefault", "popleft", "popitem"})
_WHOLE_METHODS = frozenset({"values", "items", "copy"})


class Calls:
    """Answers "what may this call give" for one program."""

    def __init__(self, resolver: Resolver, answers: Answers) -> None:
        self._resolver = resolver
        self._library = resolver.library
        self._answers = answers

    def result(self, path: str, index: int) -> Values:
        """What a call may give."""
        return self._answers.of(("call", path, index), lambda: self._of_call(path, index))

    def _of_call(self, path: str, index: int) -> list[Value]:
        call = self._resolver.call(path, index)
        if isinstance(call.func, model.Name) and call.func.id == "super":
            return self._super(path, call.scope)
        found: list[Value] = []
        for value in self._resolver.values(path, call.scope, call.func):
            found.extend(self.result_of(value, path, call))
        if not found and isinstance(call.func, model.Attr):
            found.extend(self._container_method(path, call, call.func))
        if isinstance(call.func, model.Attr) and call.func.attr == "get" and isinstance(call.func.value, model.Name):
            found.extend(self._set_elsewhere(path, call.scope, call.func.value))
        return found

    def _container_method(self, path: str, call: model.Call, func: model.Attr) -> list[Value]:
        if func.attr not in _ITEM_METHODS and func.attr not in _WHOLE_METHODS:
            return []
        found: list[Value] = []
        for value in self._resolver.values(path, call.scope, func.value):
            if isinstance(value, Container):
                found.extend([value] if func.attr in _WHOLE_METHODS else value.items)
        return found

    def _set_elsewhere(self, path: str, scope: int, name: model.Name) -> list[Value]:
        """What a context variable of the module may hold: whatever the module sets it to."""
        if ExternalInstance("contextvars.ContextVar") not in self._resolver.values(path, scope, name):
            return []
        return [
            value
            for call in self._resolver.facts(path).calls
            if isinstance(call.func, model.Attr) and call.func.attr == "set" and call.func.value == name
            for argument in call.args[:1]
            for value in self._resolver.values(path, call.scope, argument)
        ]

    def _super(self, path: str, scope: int) -> list[Value]:
        current = scope
        while current >= 0:
            facts = self._resolver.scope(path, current)
            if facts.kind == "class":
                return [Super(path, current)]
            current = facts.parent
        return []

    def result_of(self, value: Value, path: str, call: model.Call) -> Values:
        """What calling `value` gives; the call's arguments matter for a few library functions only."""
        if isinstance(value, (Function, BoundMethod)):
            found = self.function_result(value if isinstance(value, Function) else value.function)
            return self._imported(path, call) if ExternalInstance(_IMPORTS_BY_NAME) in found else found
        if isinstance(value, Partial):
            return self.result_of(value.function, path, call)
        if isinstance(value, ClassValue):
            return (Instance(value.path, value.scope),)
        if isinstance(value, Instance):
            methods = self._resolver.attribute(value, "__call__")
            return tuple(each for method in methods for each in self.result_of(method, path, call))
        if isinstance(value, External):
            return self._external_result(value.fqn, path, call)
        if isinstance(value, ExternalInstance):
            row = self._library.type_row(f"{value.fqn}.__call__")
            if row is not None and row.returns:
                return (ExternalInstance(self._library.canonical(row.returns)),)
            own = self._library.type_row(value.fqn)
            if own is not None and own.fluent:
                return (value,)
        return NOTHING

    def _external_result(self, fqn: str, path: str, call: model.Call) -> Values:
        if fqn == "functools.partial" and call.args:
            taken = len(call.args) - 1
            held = self._resolver.values(path, call.scope, call.args[0])
            facts = self._resolver.facts(path)
            index = next(each for each in facts.scopes[call.scope].calls if facts.calls[each] is call)
            return tuple(Partial(each, taken, path, index) for each in held)
        if fqn == _IMPORTS_BY_NAME and (named := self._imported(path, call)):
            return named
        if fqn in _PASS_THROUGH and len(call.args) > _PASS_THROUGH[fqn]:
            return self._resolver.values(path, call.scope, call.args[_PASS_THROUGH[fqn]])
        if fqn == "builtins.getattr" and len(call.args) >= 2:
            name = call.args[1]
            if isinstance(name, model.Const) and isinstance(name.value, str):
                held = self._resolver.values(path, call.scope, call.args[0])
                return tuple(self._resolver.attributes(held, name.value))
            return NOTHING
        if fqn in ("builtins.next", "builtins.anext") and call.args:
            return self.element(self._resolver.values(path, call.scope, call.args[0]))
        if fqn in _BUILTIN_CONTAINERS and call.args:
            values = self._resolver.values(path, call.scope, call.args[0])
            return (Container(self.element(values)),)
        if fqn == "builtins.dict":
            found = [each for _, value in call.keywords for each in self._resolver.values(path, call.scope, value)]
            return (Container(tuple(found)),)
        if fqn in ("builtins.staticmethod", "builtins.classmethod", "functools.wraps"):
            return tuple(each for argument in call.args for each in self._resolver.values(path, call.scope, argument))
        if self._library.memoizer(fqn) is not None and len(call.args) == 1:
            held = self._resolver.values(path, call.scope, call.args[0])
            functions = tuple(each for each in held if isinstance(each, (Function, BoundMethod)))
            if functions:
                return functions
        row = self._library.type_row(fqn)
        if row is not None and row.returns:
            return (
                self._factory_of_sessions(fqn, path, call) or ExternalInstance(self._library.canonical(row.returns)),
            )
        return (ExternalInstance(fqn),)

    def _factory_of_sessions(self, fqn: str, path: str, call: model.Call) -> ExternalInstance | None:
        """`sessionmaker(class_=AutoCommit)` makes sessions of a class of the program, or asynchronous ones."""
        row = self._library.session_factory(fqn)
        if row is None or row.session_class is None:
            return None
        position, keyword = row.session_class.pos, row.session_class.kw
        given = next((value for name, value in call.keywords if name == keyword), None)
        if given is None and position is not None and position < len(call.args):
            given = call.args[position]
        if given is None:
            return None
        values = self._resolver.values(path, call.scope, given)
        makes = next((value for value in values if isinstance(value, ClassValue)), None)
        is_asynchronous = row.asynchronous and any(map(self._is_asynchronous_session, values))
        return ExternalInstance(self._library.canonical(row.asynchronous if is_asynchronous else row.fqn), makes)

    def _is_asynchronous_session(self, value: Value) -> bool:
        names = [value.fqn] if isinstance(value, External) else []
        if isinstance(value, ClassValue):
            names.extend(self._resolver.classes.external_bases(value))
        rows = (self._library.session_factory(name) for name in names)
        return any(row is not None and row.creates is SessionKind.ASYNC_SESSION for row in rows)

    def _imported(self, path: str, call: model.Call) -> Values:
        """`import_module("sqlalchemy")`, also through a function of the program that is given the name."""
        names = [text for given in values_given(call) if (text := text_of(given))]
        if len(names) != 1 or not all(part.isidentifier() for part in names[0].split(".")):
            return NOTHING
        module = self._resolver.project.module(path, names[0])
        if module is None:
            return (External(self._library.canonical(names[0])),)
        return (NamespaceValue(module) if module.endswith("/") else ModuleValue(module),)

    def function_result(self, function: Function) -> Values:
        """What calling a function of the program gives."""
        facts = self._resolver.scope(function.path, function.scope)
        if facts.is_generator:
            return (Generated(function),)
        return self.returned(function)

    def returned(self, function: Function) -> Values:
        """The values of a function's return statements, else the class that its annotation names."""
        key = ("returned", function)
        return self._answers.of(key, lambda: self._returned(function))

    def _returned(self, function: Function) -> list[Value]:
        facts = self._resolver.scope(function.path, function.scope)
        found: list[Value] = []
        for op in facts.ops:
            if op.kind == "return" and op.value is not None:
                found.extend(self._resolver.values(function.path, function.scope, op.value))
        if not found and facts.returns is not None and not facts.is_generator:
            found.extend(hints.instances(self._resolver, function.path, max(facts.parent, 0), facts.returns))
        return found

    def yields(self, function: Function) -> Values:
        """The values of a generator's yield expressions."""

        def compute() -> list[Value]:
            facts = self._resolver.scope(function.path, function.scope)
            found: list[Value] = []
            for op in facts.ops:
                if op.kind == "yield":
                    found.extend(self._resolver.values(function.path, function.scope, op.value))
            return found

        return self._answers.of(("yields", function), compute)

    def entered(self, values: Values) -> Values:
        """What `with value as x` binds to x."""
        found: list[Value] = []
        for value in values:
            if isinstance(value, Generated):
                found.extend(self.yields(value.function))
            elif isinstance(value, ExternalInstance):
                row = self._library.type_row(value.fqn)
                found.append(
                    ExternalInstance(self._library.canonical(row.enters)) if row is not None and row.enters else value
                )
            elif isinstance(value, Instance):
                entered = [
                    each
                    for name in ("__enter__", "__aenter__")
                    for method in self._resolver.attribute(value, name)
                    if isinstance(method, BoundMethod)
                    for each in self.returned(method.function)
                ]
                found.extend(entered or [value])
        return tuple(found)

    def element(self, values: Values) -> Values:
        """What iterating over the values, or subscribing them, gives."""
        found: list[Value] = []
        for value in values:
            if isinstance(value, Container):
                found.extend(value.items)
            elif isinstance(value, Generated):
                found.extend(self.yields(value.function))
            elif isinstance(value, (ClassValue, External)):
                found.append(value)  # Generic[T]
        return tuple(found)
