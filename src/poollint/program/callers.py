"""Finds what runs a node: the reverse half of the call graph, on demand.

For a function at stake the files that mention its name are read, and every mention that resolves to it is followed to
where the value ends: in a call, in a registration with a library, in a parameter, a variable, an attribute or a
container from which it is called later. Mentions in tests are no callers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program import words
from poollint.program.graph import Construct, Node, Run, Source
from poollint.program.loops import repeating_loop
from poollint.program.references import Position, Reference, References, Role
from poollint.program.registrations import Registration, Registrations
from poollint.program.sites import Span, Times
from poollint.program.values import (
    BoundMethod,
    ClassValue,
    External,
    Function,
    Instance,
    ModuleValue,
    Partial,
    Super,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.guards import Guards
    from poollint.program.names import Resolver
    from poollint.program.places import Places

MOST_STEPS = 400
MOST_HOPS = 6
_SPECIAL_ROLES = {
    "__call__": Role.CALLEE,
    "__enter__": Role.ENTERED,
    "__aenter__": Role.ENTERED,
    "__iter__": Role.ITERATED,
}
_COPY_NAMES = frozenset({"functools.wraps", "functools.update_wrapper"})
"""They copy the name of what they are given on to something else; they neither run nor keep it."""


class _Dispatch(Enum):
    """How a method call reaches a method: not at all, by lookup, or because it overrides what the lookup finds."""

    NONE = 0
    DIRECT = 1
    OVERRIDE = 2


@dataclass(slots=True)
class _Trail:
    """One search for the runners of one target: what was found, and which places have been followed."""

    target: Value
    node: Node
    sources: list[Source] = field(default_factory=list)
    seen: set[object] = field(default_factory=set)
    referenced: bool = False
    hops: int = 0
    decorating: bool = False
    virtual: bool = False
    frames: list[tuple[Function, str, int]] = field(default_factory=list)

    def first(self, key: object) -> bool:
        """True the first time a place is met, while the search is small enough to go on."""
        if key in self.seen or len(self.seen) >= MOST_STEPS:
            return False
        self.seen.add(key)
        return True


class Callers:
    """The sources of nodes, each found once."""

    def __init__(self, resolver: Resolver, guards: Guards, registrations: Registrations, places: Places) -> None:
        self._resolver = resolver
        self._guards = guards
        self._registrations = registrations
        self._places = places
        self._references: dict[str, References | None] = {}
        self._memo: dict[Node, tuple[Source, ...]] = {}
        self._referenced: dict[Node, bool] = {}
        self._class_tokens: dict[ClassValue, frozenset[str]] = {}
        self._subclasses: dict[ClassValue, tuple[ClassValue, ...]] = {}
        self._class_files_memo: dict[ClassValue, frozenset[str]] = {}
        self._naming_memo: dict[tuple[str, str], list[str]] = {}

    def references(self, path: str) -> References | None:
        """The reverse index of a file."""
        if path not in self._references:
            facts = self._resolver.project.facts(path)
            self._references[path] = References(facts) if facts is not None else None
        return self._references[path]

    def is_referenced(self, node: Node) -> bool:
        """Something in the program (tests included) mentions the node."""
        self.sources(node)
        return self._referenced.get(node, False)

    def sources(self, node: Node) -> tuple[Source, ...]:
        """Everything that was found to run the node, in a stable order."""
        found = self._memo.get(node)
        if found is None and node.without:
            found = self._memo[node] = self._leaving_out(node)
        if found is None:
            try:
                trail = self._search(node)
            except Exception as error:  # A caller that cannot be followed is an unknown caller.
                self._resolver.project.failed(node.path, self._resolver.scope(node.path, node.scope).line, error)
                trail = _Trail(Function(node.path, node.scope), node)
            order = sorted(set(trail.sources), key=_source_key)
            found = self._memo[node] = tuple(order)
            self._referenced[node] = trail.referenced or bool(found)
        return found

    def _leaving_out(self, node: Node) -> tuple[Source, ...]:
        """The sources that do not pass the parameter, so that its default counts, or ("+name") those that do."""
        name = node.without.removeprefix("+")
        wanted = node.without.startswith("+")
        slot = self._slot(node, name)
        found = []
        for source in self.sources(replace(node, without="")):
            if not source.is_call and isinstance(source.caller, Construct):
                found.append(replace(source, caller=replace(source.caller, without=node.without)))
            elif (source.is_call and self._passes(source.span, name, slot)) == wanted:
                found.append(source)
        return tuple(found)

    def _slot(self, node: Node, name: str) -> int:
        """The position of a parameter as a caller counts, or -1."""
        function = (node.path, node.scope)
        if isinstance(node, Construct):
            method = self._resolver.classes.method(ClassValue(node.path, node.scope), "__init__")
            if method is None:
                return -1
            function = (method[0].path, method[1])
        scope = self._resolver.scope(*function)
        positional = [each.name for each in scope.parameters if each.kind == "positional"]
        in_class = scope.parent > 0 and self._resolver.scope(function[0], scope.parent).kind == "class"
        return positional.index(name) - (1 if in_class else 0) if name in positional else -1

    def _passes(self, span: Span, name: str, slot: int) -> bool:
        """The call at this place gives the parameter a value other than None or False."""
        facts = self._resolver.project.facts(span.path)
        if facts is None:
            return False
        for call in facts.calls:
            if (call.line, call.column, call.end_line, call.end_column) == (
                span.line,
                span.column,
                span.end_line,
                span.end_column,
            ):
                given = dict(call.keywords).get(name)
                if given is None and 0 <= slot < len(call.args):
                    given = call.args[slot]
                return given is not None and not (isinstance(given, model.Const) and not given.value and not given.kind)
        return False

    def _search(self, node: Node) -> _Trail:
        if isinstance(node, Construct):
            cls = ClassValue(node.path, node.scope)
            trail = _Trail(cls, node)
            self._constructions(cls, trail)
            return trail
        function = Function(node.path, node.scope)
        trail = _Trail(function, node)
        if node.scope == 0:
            return trail
        scope = self._resolver.scope(node.path, node.scope)
        if scope.kind == "class":
            self._by_parent(node, scope, trail, f"the body of class {scope.name} runs when it is defined")
            return trail
        self._registrations.of_definition(function, trail.sources)
        self._decorated(function, scope, trail)
        if scope.kind == "lambda":
            self._lambda(function, trail)
        elif self._owner(function) is not None:
            self._method(function, scope, trail)
        else:
            self._plain(function, scope, trail)
        return trail

    def _owner(self, function: Function) -> ClassValue | None:
        scope = self._resolver.scope(function.path, function.scope)
        if scope.parent > 0 and self._resolver.scope(function.path, scope.parent).kind == "class":
            return ClassValue(function.path, scope.parent)
        return None

    def _by_parent(self, node: Run, scope: model.Scope, trail: _Trail, text: str) -> None:
        span = Span(node.path, scope.line, scope.column, scope.line, scope.column + 5)
        trail.sources.append(Source(span, text, Run(node.path, max(scope.parent, 0)), is_call=False))

    # ---------------------------------------------------------------------------------------------- functions
    def _plain(self, function: Function, scope: model.Scope, trail: _Trail) -> None:
        nested = scope.parent > 0
        self._named(function, scope.name, function.path if nested else None, trail)

    def _named(self, function: Function, name: str, only: str | None, trail: _Trail) -> None:
        """Follow every mention of the name (and of the names under which it is imported) that is the function."""
        if not trail.first(("name", name, only)):
            return
        for path in [only] if only is not None else self._naming(function.path, name):
            references = self.references(path)
            facts = self._resolver.project.facts(path)
            if references is None or facts is None:
                continue
            aliases = {each.name for scope in facts.scopes for each in scope.imports if each.attribute == name}
            for alias in sorted({name, *aliases} - {"*"}):
                for reference in references.of(alias):
                    if self._is(path, reference, function):
                        trail.referenced = True
                        self._follow(path, reference.position, trail)
                if alias != name and any(each.name == alias for each in facts.scopes[0].imports):
                    self._named(function, alias, None, trail)
            for reference in references.strings.get(name, ()):
                if self._is_text(path, reference, function):
                    trail.referenced = True
                    self._follow(path, reference.position, trail)

    def _naming(self, home: str, name: str) -> list[str]:
        """The files that mention the name and can name its module: by the module's own name or a re-exporter's."""
        project = self._resolver.project
        key = (home, name)
        known = self._naming_memo.get(key)
        if known is not None:
            return known
        mentioning = project.mentioning(name)
        found = {home}
        tails = {project.tail(home)}
        pending = [project.tail(home)]
        while pending:
            tail = pending.pop()
            importers = set(project.mentioning(tail))
            for path in importers:
                if path in project.starring and project.tail(path) not in tails:
                    tails.add(project.tail(path))
                    pending.append(project.tail(path))
            for path in mentioning:
                if path not in importers or path in found:
                    continue
                found.add(path)
                facts = project.facts(path)
                exported = facts is not None and any(
                    each.attribute == name or each.name == name for each in facts.scopes[0].imports
                )
                if exported and project.tail(path) not in tails:
                    tails.add(project.tail(path))
                    pending.append(project.tail(path))
        known = self._naming_memo[key] = sorted(found)
        return known

    def _is(self, path: str, reference: Reference, function: Function) -> bool:
        values = self._resolver.values(path, reference.position.scope, reference.expr)
        return any(_function_of(value) == function for value in values)

    def _is_text(self, path: str, reference: Reference, function: Function) -> bool:
        text = reference.expr.value if isinstance(reference.expr, model.Const) else ""
        module, _, name = str(text).replace(":", ".").rpartition(".")
        found = self._resolver.project.module(path, module)
        if found is None:
            return False
        return any(_function_of(value) == function for value in self._resolver.imports.attribute(found, name))

    def _lambda(self, function: Function, trail: _Trail) -> None:
        references = self.references(function.path)
        position = references.lambdas.get(function.scope) if references is not None else None
        if position is not None:
            self._follow(function.path, position, trail)

    def _decorated(self, function: Function, scope: model.Scope, trail: _Trail) -> None:
        """A decorator of the program receives the function as its first argument, and may register it.

        That its wrapper calls the function says nothing: the wrapper stands in the function's place, and the callers
        of the decorated name are found by that name.
        """
        trail.decorating = True
        for decorator in scope.decorators:
            for value in self._resolver.values(function.path, max(scope.parent, 0), decorator.value):
                each = _function_of(value)
                if each is not None:
                    self._enter(each, 0, trail, "", -1)
        trail.decorating = False

    # ---------------------------------------------------------------------------------------------- methods
    def _method(self, function: Function, scope: model.Scope, trail: _Trail) -> None:
        owner = self._owner(function)
        assert owner is not None
        self._registrations.of_method(function, owner, self.subclasses(owner), trail.sources)
        if scope.name in ("__init__", "__new__", "__post_init__", "model_post_init", "__attrs_post_init__"):
            self._constructor(function, owner, trail)
            return
        if scope.name.startswith("__") and scope.name.endswith("__"):
            self._special(function, owner, scope.name, trail)
            return
        self._as_resource(function, owner, trail)
        is_property = self._resolver.is_property(function)
        files = self._class_files(owner)
        for path in self._resolver.project.mentioning(scope.name):
            if path not in files:
                continue
            references = self.references(path)
            if references is None:
                continue
            for reference in references.of(scope.name):
                if not isinstance(reference.expr, model.Attr):
                    if path == function.path and self._is(path, reference, function):
                        self._follow(path, reference.position, trail)
                    continue
                dispatch = self._dispatches(path, reference, function, owner)
                if dispatch is not _Dispatch.NONE:
                    trail.referenced = True
                    trail.virtual = dispatch is _Dispatch.OVERRIDE
                    if is_property:
                        self._read(path, reference.position, trail)
                    else:
                        self._follow(path, reference.position, trail)
                    trail.virtual = False

    def _dispatches(self, path: str, reference: Reference, function: Function, owner: ClassValue) -> _Dispatch:
        """`receiver.name` may run the method: by lookup, or because the method overrides what the lookup finds."""
        assert isinstance(reference.expr, model.Attr)
        classes = self._resolver.classes
        name = reference.expr.attr
        found = _Dispatch.NONE
        for value in self._resolver.values(path, reference.position.scope, reference.expr.value):
            if isinstance(value, (Instance, ClassValue)):
                cls = value if isinstance(value, ClassValue) else value.cls
                if classes.method(cls, name) == (owner, function.scope):
                    return _Dispatch.DIRECT
                if isinstance(value, Instance) and cls != owner and classes.derives(owner, cls):
                    found = _Dispatch.OVERRIDE
            elif isinstance(value, Super):
                for base in classes.order(ClassValue(value.path, value.scope))[1:]:
                    if classes.method(base, name) == (owner, function.scope):
                        return _Dispatch.DIRECT
        return found

    def _class_files(self, cls: ClassValue) -> frozenset[str]:
        """The files that can get at an instance of the class, and the file of the class itself."""
        known = self._class_files_memo.get(cls)
        if known is None:
            found = {cls.path}
            for token in self.class_tokens(cls):
                found.update(self._resolver.project.mentioning(token))
            known = self._class_files_memo[cls] = frozenset(found)
        return known

    def class_tokens(self, cls: ClassValue) -> frozenset[str]:
        """Names by which a file can get at an instance: its classes' names and what hands instances out."""
        known = self._class_tokens.get(cls)
        if known is None:
            self._class_tokens[cls] = frozenset()
            related = {*self._resolver.classes.order(cls), *self.subclasses(cls)}
            found: set[str] = set()
            for each in sorted(related, key=lambda value: (value.path, value.scope)):
                self._providers(each, found)
            known = self._class_tokens[cls] = frozenset(found)
        return known

    def _providers(self, cls: ClassValue, found: set[str]) -> None:
        """Add the class's name and the names of functions, attributes and variables that its instances go through.

        Functions are followed from caller to caller; attributes and variables are names only.
        """
        pending: list[tuple[str, ClassValue | Function]] = [(self._resolver.scope(cls.path, cls.scope).name, cls)]
        seen: set[object] = set()
        while pending:
            name, value = pending.pop()
            if (name, value) in seen:
                continue
            seen.add((name, value))
            found.add(name)
            for path in self._resolver.project.calling(name):
                references = self.references(path) if not self._places.is_test(path) else None
                facts = self._resolver.project.facts(path) if references is not None else None
                if references is None or facts is None:
                    continue
                names = {name}
                names.update(each.name for scope in facts.scopes for each in scope.imports if each.attribute == name)
                for alias in sorted(names - {"*"}):
                    if alias != name:
                        pending.append((alias, value))
                    for reference in references.of(alias):
                        if reference.position.role is Role.CALLEE and self._stands_for(path, reference, value):
                            for given, giver in self._given_by(path, reference):
                                found.add(given)
                                if giver is not None:
                                    pending.append((given, giver))

    def _stands_for(self, path: str, reference: Reference, value: ClassValue | Function) -> bool:
        values = self._resolver.values(path, reference.position.scope, reference.expr)
        return any(each == value or _function_of(each) == value for each in values)

    def _given_by(self, path: str, reference: Reference) -> Iterator[tuple[str, Function | None]]:
        """The names under which others find the result of the call, with the function that returns it."""
        references = self.references(path)
        assert references is not None
        position: Position | None = references.calls.get(reference.position.index)
        if position is None:
            return
        scope = self._resolver.scope(path, position.scope)
        if position.role in (Role.RETURNED, Role.YIELDED) and scope.kind == "function":
            yield scope.name, Function(path, position.scope)
        elif position.role in (Role.ASSIGNED, Role.ENTERED) and position.index >= 0:
            target = scope.ops[position.index].target
            if isinstance(target, model.Name) and scope.kind == "function" and target.id not in scope.globals:
                yield from self._local_gives(path, position.scope, target.id)
            else:
                yield from ((name, None) for name in _stored_name(target))

    def _local_gives(self, path: str, scope_index: int, name: str) -> Iterator[tuple[str, Function | None]]:
        """What a function does with a local that holds an instance: return it, or store it where others find it."""
        scope = self._resolver.scope(path, scope_index)
        for op in scope.ops:
            if op.value is None or not _holds_name(op.value, name):
                continue
            if op.kind in ("return", "yield"):
                yield scope.name, Function(path, scope_index)
            elif isinstance(op.target, model.Name):
                if op.target.id in scope.globals:
                    yield op.target.id, None
            else:
                yield from ((stored, None) for stored in _stored_name(op.target))

    def _special(self, function: Function, owner: ClassValue, name: str, trail: _Trail) -> None:
        """`__call__`, `__enter__` and the like run where an instance is used in that way."""
        role = _SPECIAL_ROLES.get(name)
        if role is None:
            return
        for path, position in self._instances(function, owner):
            if position.role is role:
                trail.referenced = True
                self._edge(path, position, trail)
            elif role is Role.CALLEE and position.role in (Role.ARGUMENT, Role.DECORATOR):
                trail.referenced = True
                self._follow(path, position, trail)

    def _as_resource(self, function: Function, owner: ClassValue, trail: _Trail) -> None:
        """Frameworks that are handed an instance call its methods by name (`app.add_route("/x", Resource())`)."""
        name = self._resolver.scope(function.path, function.scope).name
        if not any(fnmatchcase(name, pattern) for pattern in self._resolver.library.instance_methods):
            return
        for path, position in self._instances(function, owner):
            if position.role is Role.ARGUMENT:
                call = self._resolver.call(path, position.index)
                span = Span(path, position.line, position.column, position.end_line, position.end_column)
                callees = self._resolver.values(path, position.scope, call.func)
                self._registrations.of_instance(Registration(path, position, call, span), callees, name, trail.sources)

    def _instances(self, function: Function, owner: ClassValue) -> Iterator[tuple[str, Position]]:
        """The positions of instances whose lookup of the method's name gives the function."""
        seen: set[tuple[object, ...]] = set()
        for cls in (owner, *self.subclasses(owner)):
            if cls != owner and not self._runs(cls, function, owner):
                continue
            name = self._resolver.scope(cls.path, cls.scope).name
            for path, reference in self._class_mentions(cls, name):
                references = self.references(path)
                assert references is not None
                if reference.position.role is not Role.CALLEE or self._places.is_test(path):
                    continue
                values = self._resolver.values(path, reference.position.scope, reference.expr)
                position = references.calls.get(reference.position.index)
                if cls in values and position is not None:
                    yield path, position
                    yield from self._variable_positions(path, position, function, owner, seen)

    def _variable_positions(
        self,
        path: str,
        position: Position,
        function: Function,
        owner: ClassValue,
        seen: set[tuple[object, ...]],
    ) -> Iterator[tuple[str, Position]]:
        """Where a variable that an instance was assigned to is used."""
        if position.role is not Role.ASSIGNED or position.index < 0:
            return
        scope = self._resolver.scope(path, position.scope)
        target = scope.ops[position.index].target
        if not isinstance(target, (model.Name, model.Attr)):
            return
        name = target.id if isinstance(target, model.Name) else target.attr
        local = isinstance(target, model.Name) and scope.kind == "function"
        if (path, position.scope if local else 0, name) in seen:
            return
        seen.add((path, position.scope if local else 0, name))
        for each in [path] if local else self._naming(path, name):
            references = self.references(each)
            for reference in references.of(name) if references is not None else ():
                values = self._resolver.values(each, reference.position.scope, reference.expr)
                if any(isinstance(value, Instance) and self._runs(value.cls, function, owner) for value in values):
                    yield each, reference.position

    def _runs(self, cls: ClassValue, function: Function, owner: ClassValue) -> bool:
        name = self._resolver.scope(function.path, function.scope).name
        return self._resolver.classes.method(cls, name) == (owner, function.scope)

    # ---------------------------------------------------------------------------------------------- classes
    def subclasses(self, cls: ClassValue) -> tuple[ClassValue, ...]:
        """The classes of the program that derive from it, directly or not."""
        known = self._subclasses.get(cls)
        if known is not None:
            return known
        self._subclasses[cls] = ()
        found: list[ClassValue] = []
        name = self._resolver.scope(cls.path, cls.scope).name
        for path in self._resolver.project.deriving(name):
            facts = self._resolver.project.facts(path)
            if facts is None:
                continue
            for index, scope in enumerate(facts.scopes):
                if scope.kind == "class" and scope.bases:
                    derived = ClassValue(path, index)
                    if derived != cls and cls in self._resolver.classes.bases(derived):
                        found.append(derived)
                        found.extend(self.subclasses(derived))
        known = self._subclasses[cls] = tuple(dict.fromkeys(found))
        return known

    def _constructor(self, function: Function, owner: ClassValue, trail: _Trail) -> None:
        """__init__ runs whenever an instance of the class, or of a subclass that does not replace it, is made."""
        name = self._resolver.scope(function.path, function.scope).name
        for cls in (owner, *self.subclasses(owner)):
            if cls != owner and not self._inherits(cls, owner, function, name):
                continue
            scope = self._resolver.scope(cls.path, cls.scope)
            span = Span(cls.path, scope.line, scope.column, scope.line, scope.column + len(scope.name) + 6)
            text = f"{scope.name}() runs {owner_name(self._resolver, owner)}.{name}()"
            trail.sources.append(Source(span, text, Construct(cls.path, cls.scope), is_call=False))

    def _inherits(self, cls: ClassValue, owner: ClassValue, function: Function, name: str) -> bool:
        """The subclass runs the inherited method, itself or through super()."""
        found = self._resolver.classes.method(cls, name)
        if found == (owner, function.scope):
            return True
        if found is None:
            return False
        facts = self._resolver.project.facts(found[0].path)
        assert facts is not None
        return any(
            isinstance(facts.calls[index].func, model.Attr) and facts.calls[index].func.attr == name  # type: ignore[union-attr]
            for index in facts.scopes[found[1]].calls
        )

    def _constructions(self, cls: ClassValue, trail: _Trail) -> None:
        scope = self._resolver.scope(cls.path, cls.scope)
        self._registrations.of_class(cls, trail.sources)
        for path, reference in self._class_mentions(cls, scope.name):
            values = self._resolver.values(path, reference.position.scope, reference.expr)
            if cls in values:
                trail.referenced = True
                self._follow(path, reference.position, trail)
        for index in scope.children:
            child = self._resolver.scope(cls.path, index)
            if child.kind == "function" and child.parameters:
                self._own_class_calls(cls, index, child, trail)

    def _class_mentions(self, cls: ClassValue, name: str) -> Iterator[tuple[str, Reference]]:
        pending = [name]
        seen: set[str] = set()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            for path in self._naming(cls.path, current):
                references = self.references(path)
                facts = self._resolver.project.facts(path)
                if references is None or facts is None:
                    continue
                aliases = {each.name for scope in facts.scopes for each in scope.imports if each.attribute == current}
                pending.extend(sorted(aliases - {"*"}))
                for alias in sorted({current, *aliases} - {"*"}):
                    for reference in references.of(alias):
                        yield path, reference
                        target = self._alias_of(path, reference)
                        if target:
                            pending.append(target)

    def _alias_of(self, path: str, reference: Reference) -> str:
        """`Alias = Name` at module or class level."""
        position = reference.position
        if position.role is not Role.ASSIGNED or position.whole is not reference.expr:
            return ""
        scope = self._resolver.scope(path, position.scope)
        target = scope.ops[position.index].target
        return target.id if isinstance(target, model.Name) else ""

    def _own_class_calls(self, cls: ClassValue, index: int, child: model.Scope, trail: _Trail) -> None:
        """`cls(...)` in a class method."""
        facts = self._resolver.project.facts(cls.path)
        assert facts is not None
        first = child.parameters[0].name
        for number in child.calls:
            func = facts.calls[number].func
            if isinstance(func, model.Name) and func.id == first:
                values = self._resolver.values(cls.path, index, func)
                if cls in values:
                    references = self.references(cls.path)
                    assert references is not None
                    call = facts.calls[number]
                    place = (call.line, call.column, call.end_line, call.end_column)
                    self._follow(cls.path, Position(Role.CALLEE, index, call.block, number, "", func, *place), trail)

    # ---------------------------------------------------------------------------------------------- following
    def _follow(self, path: str, position: Position, trail: _Trail) -> None:
        """What happens to the target where it stands."""
        if self._places.is_test(path):
            return
        key = (path, position.role, position.scope, position.block, position.index, position.slot)
        if trail.hops >= MOST_HOPS or not trail.first(key):
            return
        trail.hops += 1
        try:
            self._follow_role(path, position, trail)
        finally:
            trail.hops -= 1

    def _follow_role(self, path: str, position: Position, trail: _Trail) -> None:
        role = position.role
        if role is Role.CALLEE:
            self._called(path, position, trail)
        elif role is Role.ARGUMENT:
            self._argument(path, position, trail)
        elif role in (Role.ASSIGNED, Role.ITERATED, Role.ENTERED):
            self._assigned(path, position, trail)
        elif role in (Role.RETURNED, Role.YIELDED):
            self._returned(path, position, trail)
        elif role is Role.DECORATOR:
            self._decorates(path, position, trail)
        elif role is Role.DEFAULT:
            self._variable(path, position.index, str(position.slot), trail)
        elif role is Role.READ and isinstance(position.whole, model.Attr):
            self._attribute_read(path, position, trail)

    def _called(self, path: str, position: Position, trail: _Trail) -> None:
        self._edge(path, position, trail)

    def _read(self, path: str, position: Position, trail: _Trail) -> None:
        if not self._places.is_test(path) and trail.first(
            (path, "read", position.scope, position.line, position.column)
        ):
            self._edge(path, position, trail)

    def _edge(self, path: str, position: Position, trail: _Trail) -> None:
        """The target runs here: a source with the enclosing function as caller."""
        facts = self._resolver.project.facts(path)
        assert facts is not None
        scope = facts.scopes[position.scope]
        loop = repeating_loop(facts, scope, position.block)
        if trail.decorating and loop is None:
            return
        span = Span(path, position.line, position.column, position.end_line, position.end_column)
        name = words.target(self._resolver, trail.target)
        text = f"{words.scope(scope)} calls {name}()"
        loop_span = None
        if loop is not None:
            block = scope.blocks[loop]
            loop_span = Span(path, block.line, 0, block.line, 0)
            text += f", in the loop at line {block.line}"
        cap, per, without = self._cap(path, position)
        caller: Node = Run(path, position.scope, without)
        trail.sources.append(Source(span, text, caller, loop=loop_span, cap=cap, per=per, virtual=trail.virtual))
        self._registrations.of_result(path, position, trail.sources, self.references(path))

    def _cap(self, path: str, position: Position) -> tuple[Times | None, Node | None, str]:
        """What a guard around the place makes of its frequency: a ceiling, that of making the owner, or that of the
        calls which leave a parameter out."""
        if position.role is Role.CALLEE:
            guard = self._guards.of_call(path, position.index)
        else:
            guard = self._guards.at(path, position.scope, position.block, max(position.index, 0))
        if guard is None or guard.dead:
            return None, None, ""
        if guard.parameter:
            return None, None, guard.target
        if guard.owner is not None:
            return None, Construct(guard.owner.path, guard.owner.scope), ""
        return guard.times, None, ""

    def _argument(self, path: str, position: Position, trail: _Trail) -> None:
        call = self._resolver.call(path, position.index)
        span = Span(path, position.line, position.column, position.end_line, position.end_column)
        callees = self._resolver.values(path, position.scope, call.func)
        registration = Registration(path, position, call, span)
        if self._registrations.of_argument(registration, callees, trail.target, trail.sources):
            return
        for value in callees:
            if (isinstance(value, External) and value.fqn in ("functools.partial", "functools.partialmethod")) or (
                isinstance(value, External)
                and value.fqn not in _COPY_NAMES
                and (self._resolver.library.memoizer(value.fqn) or self._resolver.library.is_transparent(value.fqn))
            ):
                self._result(path, position.index, trail)
            elif isinstance(value, (Function, BoundMethod)):
                self._argument_of(path, value, position, trail)
            elif isinstance(value, Partial) and isinstance(value.function, (Function, BoundMethod)):
                shifted = position.slot + value.taken if isinstance(position.slot, int) else position.slot
                self._argument_of(path, value.function, _with_slot(position, shifted), trail)
            elif isinstance(value, ClassValue):
                self._constructor_argument(value, position, trail)
        if isinstance(call.func, model.Attr) and call.func.attr in (
            "append",
            "add",
            "insert",
            "appendleft",
            "setdefault",
            "put",
            "extend",
        ):
            self._stored(path, position.scope, call.func.value, trail)

    def _argument_of(self, path: str, value: Function | BoundMethod, position: Position, trail: _Trail) -> None:
        function = value.function if isinstance(value, BoundMethod) else value
        slot = position.slot
        if isinstance(slot, int) and isinstance(value, BoundMethod):
            slot += 1
        self._enter(function, slot, trail, path, position.index)

    def _enter(self, function: Function, slot: int | str, trail: _Trail, path: str, index: int) -> None:
        """Follow the target into a function that is given it by call `index` of `path` (-1: as a decorator)."""
        trail.frames.append((function, path, index))
        self._parameter(function, slot, trail)
        trail.frames.pop()

    def _parameter(self, function: Function, slot: int | str, trail: _Trail) -> None:
        scope = self._resolver.scope(function.path, function.scope)
        positional = [each for each in scope.parameters if each.kind == "positional"]
        name = ""
        if isinstance(slot, int):
            if slot < len(positional):
                name = positional[slot].name
            else:
                name = next((each.name for each in scope.parameters if each.kind == "vararg"), "")
        elif any(each.name == slot for each in scope.parameters):
            name = slot
        else:
            name = next((each.name for each in scope.parameters if each.kind == "kwarg"), "")
        if name:
            self._variable(function.path, function.scope, name, trail)

    def _constructor_argument(self, cls: ClassValue, position: Position, trail: _Trail) -> None:
        method = self._resolver.classes.method(cls, "__init__")
        if method is not None:
            slot = position.slot + 1 if isinstance(position.slot, int) else position.slot
            self._parameter(Function(method[0].path, method[1]), slot, trail)
            return
        fields = list(self._resolver.index(cls.path).names(cls.scope)) if self._resolver.index(cls.path) else []  # type: ignore[union-attr]
        name = (
            fields[position.slot] if isinstance(position.slot, int) and position.slot < len(fields) else position.slot
        )
        if isinstance(name, str) and name in fields:
            self._class_attribute(cls, name, trail)

    def _variable(self, path: str, scope_index: int, name: str, trail: _Trail) -> None:
        """Follow a variable (or parameter) through the function that binds it and the functions nested in it."""
        if not trail.first(("variable", path, scope_index, name)):
            return
        references = self.references(path)
        facts = self._resolver.project.facts(path)
        if references is None or facts is None:
            return
        for reference in references.of(name):
            if isinstance(reference.expr, model.Name) and _sees(facts, reference.position.scope, scope_index, name):
                self._follow(path, reference.position, trail)

    def _assigned(self, path: str, position: Position, trail: _Trail) -> None:
        if position.index < 0:
            block = self._resolver.scope(path, position.scope).blocks[-position.index - 1]
            self._target(path, position.scope, block.target, trail)
            return
        op = self._resolver.scope(path, position.scope).ops[position.index]
        self._target(path, position.scope, op.target, trail)
        self._registrations.of_assignment(path, position, op, trail.target, trail.sources)

    def _target(self, path: str, scope_index: int, target: model.Expr | None, trail: _Trail) -> None:
        if isinstance(target, model.Name):
            scope = self._resolver.scope(path, scope_index)
            if scope.kind == "function" and target.id not in scope.globals:
                self._variable(path, scope_index, target.id, trail)
            else:
                if scope.kind == "class":
                    self._class_attribute(ClassValue(path, scope_index), target.id, trail)
                self._module_variable(path, target.id, trail)
        elif isinstance(target, (model.Attr, model.Subscript)):
            self._stored(path, scope_index, target.value if isinstance(target, model.Subscript) else target, trail)
        elif isinstance(target, model.Items):
            for item in target.items:
                self._target(path, scope_index, item, trail)

    def _stored(self, path: str, scope_index: int, place: model.Expr, trail: _Trail) -> None:
        """The target went into a container, attribute or variable: follow who takes it out."""
        if isinstance(place, model.Name):
            scope = self._resolver.scope(path, scope_index)
            index = self._resolver.index(path)
            local = index is not None and place.id in index.names(scope_index) and scope.kind == "function"
            if local:
                self._variable(path, scope_index, place.id, trail)
            else:
                self._module_variable(path, place.id, trail)
        elif isinstance(place, model.Attr):
            for value in self._resolver.values(path, scope_index, place.value):
                if isinstance(value, (Instance, ClassValue)):
                    self._class_attribute(value if isinstance(value, ClassValue) else value.cls, place.attr, trail)
                elif isinstance(value, ModuleValue):
                    self._module_variable(value.path, place.attr, trail)

    def _module_variable(self, path: str, name: str, trail: _Trail) -> None:
        if not trail.first(("module variable", path, name)):
            return
        for each in self._naming(path, name):
            references = self.references(each)
            facts = self._resolver.project.facts(each)
            if references is None or facts is None:
                continue
            for reference in references.of(name):
                if self._is_module_variable(each, facts, reference, path, name):
                    self._follow(each, reference.position, trail)

    def _is_module_variable(
        self, each: str, facts: model.ModuleFacts, reference: Reference, path: str, name: str
    ) -> bool:
        scope = reference.position.scope
        if isinstance(reference.expr, model.Attr):
            values = self._resolver.values(each, scope, reference.expr.value)
            return ModuleValue(path) in values
        if each == path:
            return _sees(facts, scope, 0, name)
        for holder in facts.scopes:
            for imported in holder.imports:
                if imported.name == name or (imported.name == "*" and imported.attribute == "*"):
                    module = (
                        self._resolver.project.relative(each, imported.level, imported.module)
                        if imported.level
                        else self._resolver.project.module(each, imported.module)
                    )
                    if module == path:
                        return True
        return False

    def _class_attribute(self, cls: ClassValue, name: str, trail: _Trail) -> None:
        if not trail.first(("attribute", cls, name)):
            return
        files = self._class_files(cls)
        for path in self._resolver.project.mentioning(name):
            if path not in files:
                continue
            references = self.references(path)
            for reference in references.of(name) if references is not None else ():
                if not isinstance(reference.expr, model.Attr):
                    continue
                for value in self._resolver.values(path, reference.position.scope, reference.expr.value):
                    if isinstance(value, (Instance, ClassValue)):
                        found = value if isinstance(value, ClassValue) else value.cls
                        classes = self._resolver.classes
                        if classes.derives(found, cls) or classes.derives(cls, found):
                            self._follow(path, reference.position, trail)
                            break

    def _attribute_read(self, path: str, position: Position, trail: _Trail) -> None:
        """`handlers.get(key)` or `handlers.values()`: the result of the call is the target again."""
        if isinstance(position.whole, model.Attr) and position.whole.attr in (
            "get",
            "values",
            "items",
            "pop",
            "copy",
            "popleft",
        ):
            facts = self._resolver.project.facts(path)
            assert facts is not None
            for index in facts.scopes[position.scope].calls:
                if facts.calls[index].func is position.whole:
                    self._result(path, index, trail)

    def _returned(self, path: str, position: Position, trail: _Trail) -> None:
        """A function returns the target: so do its calls; where it decorates, the decorated name is the target."""
        scope = self._resolver.scope(path, position.scope)
        giver = Function(path, position.scope)
        if scope.kind == "lambda":
            references = self.references(path)
            inner = references.lambdas.get(position.scope) if references is not None else None
            if inner is not None and inner.role is Role.ARGUMENT and isinstance(trail.target, ClassValue):
                self._follow(path, inner, trail)
            return
        for function, caller, index in trail.frames:
            if function == giver:
                # What was passed in comes back to the call that passed it, not to every caller.
                if index >= 0:
                    self._result(caller, index, trail)
                return
        only = path if scope.parent > 0 and self._owner(giver) is None else None
        if not trail.first(("giver", giver)):
            return
        for each in [only] if only is not None else self._naming(path, scope.name):
            references = self.references(each)
            for reference in references.of(scope.name) if references is not None else ():
                if not self._is(each, reference, giver):
                    continue
                if reference.position.role is Role.CALLEE:
                    self._result(each, reference.position.index, trail)
                elif reference.position.role is Role.DECORATOR:
                    self._decorated_name(each, reference.position.index, trail)
                elif reference.position.role is Role.RETURNED:
                    self._follow(each, reference.position, trail)

    def _result(self, path: str, index: int, trail: _Trail) -> None:
        """The target is what this call gives: follow it from where the call stands."""
        references = self.references(path)
        position = references.calls.get(index) if references is not None else None
        if position is None:
            return
        if position.role is Role.DECORATOR:
            self._decorated_name(path, position.index, trail)
        else:
            self._follow(path, position, trail)

    def _decorated_name(self, path: str, scope_index: int, trail: _Trail) -> None:
        """The target stands in the place of a decorated function: its callers are the target's callers."""
        scope = self._resolver.scope(path, scope_index)
        if scope.kind != "function" or not trail.first(("decorated", path, scope_index)):
            return
        span = Span(path, scope.line, scope.column, scope.line, scope.column + len(scope.name) + 4)
        text = f"{words.target(self._resolver, trail.target)}() runs in the place of {scope.name}(), which it wraps"
        if Run(path, scope_index) != trail.node:
            trail.sources.append(Source(span, text, Run(path, scope_index), is_call=False))

    def _decorates(self, path: str, position: Position, trail: _Trail) -> None:
        """The target is used as a decorator: it runs once for each definition."""
        scope = self._resolver.scope(path, position.index)
        span = Span(path, position.line, position.column, position.end_line, position.end_column)
        text = f"{words.target(self._resolver, trail.target)}() decorates {scope.name}"
        trail.sources.append(Source(span, text, Run(path, position.scope)))


def owner_name(resolver: Resolver, cls: ClassValue) -> str:
    """The name of a class, for a message."""
    return resolver.scope(cls.path, cls.scope).name


def _function_of(value: Value) -> Function | None:
    if isinstance(value, Function):
        return value
    if isinstance(value, BoundMethod):
        return value.function
    return _function_of(value.function) if isinstance(value, Partial) else None


def _stored_name(target: model.Expr | None) -> list[str]:
    """The attribute, variable or container that an assignment fills."""
    if isinstance(target, model.Subscript):
        target = target.value
    return [target.attr] if isinstance(target, model.Attr) else [target.id] if isinstance(target, model.Name) else []


def _with_slot(position: Position, slot: int | str) -> Position:
    return Position(
        position.role,
        position.scope,
        position.block,
        position.index,
        slot,
        position.whole,
        position.line,
        position.column,
        position.end_line,
        position.end_column,
        position.contained,
    )


def _sees(facts: model.ModuleFacts, scope: int, binder: int, name: str) -> bool:
    """A name read in `scope` is the one that `binder` binds: no scope in between binds it anew."""
    current = scope
    while current >= 0:
        if current == binder:
            return True
        facts_of = facts.scopes[current]
        if name in facts_of.globals:
            return binder == 0
        if facts_of.kind != "class":
            if any(each.name == name for each in facts_of.parameters):
                return False
            bound = any(
                isinstance(op.target, model.Name) and op.target.id == name and op.kind in ("bind", "for", "with")
                for op in facts_of.ops
            )
            if bound and name not in facts_of.nonlocals:
                return False
        current = facts_of.parent
    return False


def _holds_name(expr: model.Expr, name: str) -> bool:
    if isinstance(expr, model.Name):
        return expr.id == name
    if isinstance(expr, (model.Items, model.Bool)):
        return any(_holds_name(item, name) for item in expr.items)
    if isinstance(expr, model.Mapping):
        return any(_holds_name(item, name) for item in expr.values)
    if isinstance(expr, model.Conditional):
        return _holds_name(expr.body, name) or _holds_name(expr.orelse, name)
    return isinstance(expr, (model.Await, model.Star, model.Walrus)) and _holds_name(expr.value, name)


def _source_key(source: Source) -> tuple[object, ...]:
    caller = (source.caller.path, source.caller.scope) if source.caller is not None else ("", -1)
    return (source.span, source.text, caller, source.kind, source.times, source.confidence, source.unit)
