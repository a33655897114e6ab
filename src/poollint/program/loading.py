"""Classes that are made through a module which is imported by a name from the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.values import External

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.references import Reference
    from poollint.program.values import ClassValue

_IMPORTERS = frozenset({"builtins.__import__", "importlib.import_module"})


class Loading:
    """Answers for one program. A name that only one class of the program has is taken to mean that class."""

    def __init__(self, resolver: Resolver, mentions: Mentions, places: Places) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._places = places

    def mentions_of(self, cls: ClassValue) -> Iterator[tuple[str, Reference]]:
        """`import_module(settings["MODULE"]).Backend(...)`: the callee, where the module is not known."""
        project = self._resolver.project
        name = self._resolver.scope(cls.path, cls.scope).name
        importing = {*project.mentioning("import_module"), *project.mentioning("__import__")}
        for path in sorted(importing.intersection(project.mentioning(name))):
            for reference in self._mentions.of(path, name):
                if self._is_loaded(path, reference) and self._is_only_one(name):
                    yield path, reference

    def _is_loaded(self, path: str, reference: Reference) -> bool:
        expr, scope = reference.expr, reference.position.scope
        if not isinstance(expr, model.Attr):
            return False
        if not all(isinstance(value, External) for value in self._resolver.values(path, scope, expr)):
            return False  # The module is known, and with it what the attribute is.
        if isinstance(expr.value, model.CallRef):
            return self._imports(path, expr.value)
        if not isinstance(expr.value, model.Name):
            return False
        given = [op.value for op in assignments(self._resolver.scope(path, scope), expr.value.id)]
        return bool(given) and all(isinstance(value, model.CallRef) and self._imports(path, value) for value in given)

    def _imports(self, path: str, call: model.CallRef) -> bool:
        callees = self._resolver.callee(path, call.index)
        return any(isinstance(value, External) and value.fqn in _IMPORTERS for value in callees)

    def _is_only_one(self, name: str) -> bool:
        """No other module of the program, tests aside, defines a class of this name."""
        project = self._resolver.project
        defines = re.compile(rb"^class[ \t]+" + re.escape(name.encode()) + rb"\b", re.MULTILINE).search
        mentioning = (path for path in project.mentioning(name) if not self._places.is_test(path))
        return sum(1 for path in mentioning if defines(project.data(path))) == 1
