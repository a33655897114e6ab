"""What a scope binds: an index over the facts of one file, built when the file is first asked about a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts.model import Attr, Items, Name, Star

if TYPE_CHECKING:
    from poollint.facts.model import Expr, Import, ModuleFacts, Parameter


class Binding(Struct, frozen=True):
    """One way in which a name gets a value.

    `kind`: value (`name = value`), element (of the iterated `value`), entered (`with value as name`), item (`position`
    of an unpacked `value`), parameter, import, definition (`scope`), annotation (a bare `name: type`).
    """

    kind: str
    value: Expr | None = None
    position: int = 0
    scope: int = -1
    parameter: Parameter | None = None
    imported: Import | None = None
    block: int = 0
    line: int = 0
    op: int = -1


class Member(Struct, frozen=True):
    """One way in which an attribute of a class gets its value; `scope` is where the value is to be evaluated."""

    kind: str
    scope: int
    value: Expr | None = None
    definition: int = -1
    line: int = 0
    position: int = 0


class FileIndex(Struct):
    """Bindings by scope and members by class, computed on demand from one file's facts."""

    facts: ModuleFacts
    _names: dict[int, dict[str, list[Binding]]] = {}
    _members: dict[int, dict[str, list[Member]]] = {}
    _globals: dict[str, list[tuple[int, Binding]]] | None = None

    def names(self, scope_index: int) -> dict[str, list[Binding]]:
        """What the scope itself binds; names declared global or nonlocal there are left out."""
        found = self._names.get(scope_index)
        if found is None:
            found = self._names[scope_index] = self._collect(scope_index)
        return found

    def _collect(self, scope_index: int) -> dict[str, list[Binding]]:
        scope = self.facts.scopes[scope_index]
        found: dict[str, list[Binding]] = {}
        for parameter in scope.parameters:
            found.setdefault(parameter.name, []).append(Binding("parameter", parameter=parameter))
        for imported in scope.imports:
            if imported.name != "*":
                binding = Binding("import", imported=imported, block=imported.block, line=imported.line)
                found.setdefault(imported.name, []).append(binding)
        for position, op in enumerate(scope.ops):
            if op.kind == "def":
                name = self.facts.scopes[op.scope].name
                binding = Binding("definition", scope=op.scope, block=op.block, line=op.line, op=position)
                found.setdefault(name, []).append(binding)
            elif op.target is not None and op.kind in ("bind", "for", "with", "aug"):
                kind = {"bind": "value", "aug": "value", "for": "element", "with": "entered"}[op.kind]
                value = op.value
                if value is None:
                    kind, value = "annotation", op.annotation
                elif kind == "value" and op.annotation is not None:
                    hint = Binding("annotation", op.annotation, block=op.block, line=op.line, op=position)
                    _spread(op.target, hint, found)
                _spread(op.target, Binding(kind, value, block=op.block, line=op.line, op=position), found)
        for block_index, block in enumerate(scope.blocks):
            if block.kind == "comprehension" and block.target is not None:
                _spread(block.target, Binding("element", block.test, block=block_index, line=block.line), found)
        for name in (*scope.globals, *scope.nonlocals):
            found.pop(name, None)
        return found

    def stores_to_global(self, name: str) -> list[tuple[int, Binding]]:
        """Assignments to a module variable from inside functions that declare it global, as (scope, binding)."""
        if self._globals is None:
            self._globals = {}
            for scope_index, scope in enumerate(self.facts.scopes):
                if not scope.globals:
                    continue
                declared = set(scope.globals)
                for position, op in enumerate(scope.ops):
                    if isinstance(op.target, Name) and op.target.id in declared and op.value is not None:
                        binding = Binding("value", op.value, block=op.block, line=op.line, op=position)
                        self._globals.setdefault(op.target.id, []).append((scope_index, binding))
        return self._globals.get(name, [])

    def members(self, class_index: int) -> dict[str, list[Member]]:
        """What instances and the class itself have as attributes, by name, in source order."""
        found = self._members.get(class_index)
        if found is None:
            found = self._members[class_index] = {}
            self._collect_members(class_index, found)
        return found

    def _collect_members(self, class_index: int, found: dict[str, list[Member]]) -> None:
        for name, bindings in self.names(class_index).items():
            for binding in bindings:
                member = Member(binding.kind, class_index, binding.value, binding.scope, binding.line, binding.position)
                if binding.kind == "import":
                    continue
                found.setdefault(name, []).append(member)
        for child in self.facts.scopes[class_index].children:
            scope = self.facts.scopes[child]
            if scope.kind != "function" or not scope.parameters:
                continue
            receiver = scope.parameters[0].name
            for op in scope.ops:
                if op.kind in ("bind", "with") and op.target is not None:
                    self._attributes(op.target, receiver, op.kind, op.value or op.annotation, op, child, found)

    def _attributes(
        self,
        target: Expr,
        receiver: str,
        kind: str,
        value: Expr | None,
        op: object,
        scope: int,
        found: dict[str, list[Member]],
    ) -> None:
        if isinstance(target, Attr) and isinstance(target.value, Name) and target.value.id == receiver:
            member_kind = "entered" if kind == "with" else "value"
            line = getattr(op, "line", 0)
            if getattr(op, "value", None) is None:
                member_kind = "annotation"
            elif getattr(op, "annotation", None) is not None:
                hint = Member("annotation", scope, getattr(op, "annotation", None), line=line)
                found.setdefault(target.attr, []).append(hint)
            found.setdefault(target.attr, []).append(Member(member_kind, scope, value, line=line))
        elif isinstance(target, Items):
            for position, item in enumerate(target.items):
                if isinstance(item, Attr) and isinstance(item.value, Name) and item.value.id == receiver:
                    line = getattr(op, "line", 0)
                    member = Member("item", scope, value, line=line, position=position)
                    found.setdefault(item.attr, []).append(member)


def _spread(target: Expr, binding: Binding, found: dict[str, list[Binding]]) -> None:
    if isinstance(target, Name):
        found.setdefault(target.id, []).append(binding)
    elif isinstance(target, Star):
        _spread(target.value, binding, found)
    elif isinstance(target, Items):
        for position, item in enumerate(target.items):
            # An item of an item is not followed: its position says nothing about the outer value.
            kind = {"value": "item", "item": "nested"}.get(binding.kind, binding.kind)
            inner = Binding(kind, binding.value, position, block=binding.block, line=binding.line, op=binding.op)
            _spread(item, inner, found)
