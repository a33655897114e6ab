"""What imports bind: modules and names of the program, or symbols of libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.values import NOTHING, External, ModuleValue, NamespaceValue, Value, Values

if TYPE_CHECKING:
    from poollint.facts.model import Import
    from poollint.program.bindings import FileIndex
    from poollint.program.names import Resolver
    from poollint.program.project import Project


class Imports:
    """Follows the imports of one program, re-exports and star imports included."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._project = resolver.project
        self._library = resolver.library

    def values(self, path: str, imported: Import) -> Values:
        """What an import statement (other than a star import) binds its name to."""
        module = imported_module(self._project, path, imported)
        if not imported.attribute:
            if module is None:
                return (External(self._library.canonical(imported.module)),)
            return (_module_value(module),)
        if module is None:
            if imported.level:
                return NOTHING
            return (External(self._library.canonical(f"{imported.module}.{imported.attribute}")),)
        found = self.attribute(module, imported.attribute)
        if not found and not imported.level and module.endswith("/"):
            # A namespace folder that shadows nothing: the name may live in an installed part of the namespace.
            return (External(self._library.canonical(f"{imported.module}.{imported.attribute}")),)
        return found

    def attribute(self, module: str, name: str) -> Values:
        """A name of a module of the program: what it binds, else a submodule."""
        found: Values = NOTHING
        if not module.endswith("/"):
            index = self._resolver.index(module)
            if index is not None and (name in index.names(0) or index.stores_to_global(name) or _has_star(index)):
                found = tuple(value for value in self._resolver.lookup(module, 0, name) if not _is_builtin(value, name))
        if found:
            return found
        submodule = self._project.submodule(module, name)
        return (_module_value(submodule),) if submodule is not None else NOTHING

    def from_star(self, path: str, imported: Import, name: str) -> Values:
        """What a star import binds this name to, if anything."""
        module = imported_module(self._project, path, imported)
        if module is None:
            fqn = self._library.canonical(f"{imported.module}.{name}")
            return (External(fqn),) if self._library.knows(fqn) else NOTHING
        index = self._resolver.index(module) if not module.endswith("/") else None
        if index is None:
            return NOTHING
        if index.facts.exports is not None and name not in index.facts.exports:
            return NOTHING
        if index.facts.exports is None and name.startswith("_"):
            return NOTHING
        return self.attribute(module, name)


def imported_module(project: Project, path: str, imported: Import) -> str | None:
    """The module of the program that an import in the file at `path` names, or None for one of a library."""
    if imported.level:
        return project.relative(path, imported.level, imported.module)
    return project.module(path, imported.module)


def _module_value(module: str) -> Value:
    return NamespaceValue(module) if module.endswith("/") else ModuleValue(module)


def _has_star(index: FileIndex) -> bool:
    return any(imported.name == "*" for imported in index.facts.scopes[0].imports)


def _is_builtin(value: Value, name: str) -> bool:
    return isinstance(value, External) and value.fqn == f"builtins.{name}"
