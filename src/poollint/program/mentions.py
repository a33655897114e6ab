"""Where the program mentions a name: the files to look into, and the mentions that are what is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.annotated import is_used
from poollint.program.expressions import text_of
from poollint.program.references import Reference, References, Role
from poollint.program.values import BoundMethod, Function, Partial
from poollint.program.written_imports import WrittenImports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.names import Resolver
    from poollint.program.values import ClassValue, Value


class Mentions:
    """The reverse index of one program; files are read when a name at stake leads to them."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.imports = WrittenImports(resolver.project)
        self._references: dict[str, References | None] = {}
        self._files: dict[tuple[str, str], list[str]] = {}

    def references(self, path: str) -> References | None:
        """The reverse index of a file."""
        if path not in self._references:
            facts = self._resolver.project.facts(path)
            self._references[path] = References(facts, self._resolver.project.data(path)) if facts is not None else None
        return self._references[path]

    def of(self, path: str, name: str) -> list[Reference]:
        """The mentions of a name in a file."""
        references = self.references(path)
        return references.of(name) if references is not None else []

    def files(self, home: str, name: str) -> list[str]:
        """The files that mention the name and can name its module: by the module's own name or a re-exporter's."""
        project = self._resolver.project
        key = (home, name)
        known = self._files.get(key)
        if known is not None:
            return known
        mentioning = project.mentioning(name)
        word = name.encode(errors="surrogateescape")
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
                if not project.everything and not self.imports.may_name(path, name):
                    continue
                found.add(path)
                if word in self.imports.of(path).names and project.tail(path) not in tails:
                    tails.add(project.tail(path))
                    pending.append(project.tail(path))
        known = self._files[key] = sorted(found)
        return known

    def is_function(self, path: str, reference: Reference, function: Function) -> bool:
        """The mention may be the function."""
        values = self._resolver.values(path, reference.position.scope, reference.expr)
        return any(function_of(value) == function for value in values)

    def is_text_of(self, path: str, reference: Reference, function: Function) -> bool:
        """The mention is a text like "package.module:name" that names the function."""
        module, _, name = text_of(reference.expr).replace(":", ".").rpartition(".")
        found = self._resolver.project.module(path, module)
        if found is None:
            return False
        return any(function_of(value) == function for value in self._resolver.imports.attribute(found, name))

    def of_class(self, cls: ClassValue) -> Iterator[tuple[str, Reference]]:
        """(path, mention) of the class's name, of names that it is imported under, and of `Alias = Name`."""
        pending = [self._resolver.scope(cls.path, cls.scope).name]
        seen: set[str] = set()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            for path in self.files(cls.path, current):
                if path != cls.path and not self._is_used(path, current):
                    continue
                references = self.references(path)
                facts = self._resolver.project.facts(path)
                if references is None or facts is None:
                    continue
                aliases = imported_as(facts, current)
                pending.extend(sorted(aliases))
                for alias in sorted({current, *aliases}):
                    for reference in references.of(alias):
                        yield path, reference
                        target = self._alias_of(path, reference)
                        if target:
                            pending.append(target)

    def _is_used(self, path: str, name: str) -> bool:
        project = self._resolver.project
        if project.everything or not name.isascii():
            return True
        return is_used(project.data(path), name.encode())

    def _alias_of(self, path: str, reference: Reference) -> str:
        """`Alias = Name` at module or class level."""
        position = reference.position
        if position.role is not Role.ASSIGNED or position.whole is not reference.expr:
            return ""
        scope = self._resolver.scope(path, position.scope)
        target = scope.ops[position.index].target
        return target.id if isinstance(target, model.Name) else ""


def imported_as(facts: model.ModuleFacts, *names: str) -> set[str]:
    """The names under which a file imports something called by one of `names` from a module."""
    wanted = frozenset(names)
    return {
        each.name for scope in facts.scopes for each in scope.imports if each.attribute in wanted and each.name != "*"
    }


def called_as(facts: model.ModuleFacts, names: frozenset[str]) -> frozenset[str]:
    """The names, and those under which the file imports them: what a call of one of them may be spelled."""
    return names | imported_as(facts, *names)


def function_of(value: Value) -> Function | None:
    """The function of the program that the value is, bound or partial or not."""
    if isinstance(value, Function):
        return value
    if isinstance(value, BoundMethod):
        return value.function
    return function_of(value.function) if isinstance(value, Partial) else None


def sees(facts: model.ModuleFacts, scope: int, binder: int, name: str) -> bool:
    """A name read in `scope` is the one that `binder` binds: no scope in between binds it anew."""
    current = scope
    while current >= 0:
        if current == binder:
            return True
        holder = facts.scopes[current]
        if name in holder.globals:
            return binder == 0
        if holder.kind != "class":
            if any(each.name == name for each in holder.parameters):
                return False
            bound = any(
                isinstance(op.target, model.Name) and op.target.id == name and op.kind in ("bind", "for", "with")
                for op in holder.ops
            )
            if bound and name not in holder.nonlocals:
                return False
        current = holder.parent
    return False
