"""The sessions that a function is given: by a caller, or by FastAPI through `Depends`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program import annotations as hints
from poollint.program.expressions import last_name
from poollint.program.imports import imported_module
from poollint.program.values import External, ExternalInstance, Function, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.library.model import Handle
    from poollint.program.names import Resolver

_DEPENDS = frozenset({"fastapi.Depends", "fastapi.Security"})
_DEEPEST_ALIAS = 3


class Given(Struct, frozen=True):
    """A parameter, and the dependency function that its value comes from (None: a caller passes it)."""

    name: str
    handle: Handle | None
    dependency: Function | None = None
    once_used: bool = False
    """`Depends(f, scope="function")`: it ends when the function returns, not when the response is sent."""


class Parameters:
    """Reads signatures."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._memo: dict[tuple[str, int], tuple[Given, ...]] = {}

    def of(self, path: str, scope: int) -> tuple[Given, ...]:
        """The parameters that are sessions or come from a dependency, in order."""
        key = (path, scope)
        if key not in self._memo:
            self._memo[key] = tuple(self._read(path, scope))
        return self._memo[key]

    def sessions(self, path: str, scope: int) -> list[Given]:
        """The parameters that are sessions or connections."""
        return [given for given in self.of(path, scope) if given.handle is not None]

    def _read(self, path: str, scope_index: int) -> Iterator[Given]:
        scope = self._resolver.scope(path, scope_index)
        outer = max(scope.parent, 0)
        for parameter in scope.parameters:
            if parameter.kind in ("vararg", "kwarg"):
                continue
            home, where, annotation = self._alias(path, outer, parameter.annotation, 0)
            found = self._depends(path, outer, parameter.default) or self._annotated(home, where, annotation)
            handle = self._handle(home, where, annotation)
            if found is None:
                if handle is not None:
                    yield Given(parameter.name, handle)
                continue
            dependency, once_used = found
            yield Given(parameter.name, handle or self._yielded(dependency), dependency, once_used)

    def _alias(
        self, path: str, scope: int, annotation: model.Expr | None, depth: int
    ) -> tuple[str, int, model.Expr | None]:
        """The annotation itself, or what the name stands for: `SessionDep = Annotated[Session, Depends(get_db)]`."""
        if isinstance(annotation, model.Name) and depth < _DEEPEST_ALIAS:
            facts = self._resolver.scope(path, 0)
            for op in facts.ops:
                if op.kind == "bind" and isinstance(op.target, model.Name) and op.target.id == annotation.id:
                    return self._alias(path, 0, op.value, depth + 1) if op.value is not None else (path, 0, None)
            for imported in facts.imports:
                if imported.name == annotation.id and imported.attribute:
                    module = imported_module(self._resolver.project, path, imported)
                    if module is None or module.endswith("/") or self._resolver.project.facts(module) is None:
                        break
                    found = self._alias(module, 0, model.Name(imported.attribute), depth + 1)
                    return found if isinstance(found[2], model.Subscript) else (path, scope, annotation)
        return path, scope, annotation

    def _annotated(self, path: str, scope: int, annotation: model.Expr | None) -> tuple[Function, bool] | None:
        if not isinstance(annotation, model.Subscript) or last_name(annotation.value) != "Annotated":
            return None
        items = annotation.index.items if isinstance(annotation.index, model.Items) else []
        return next((found for item in items[1:] if (found := self._depends(path, scope, item))), None)

    def _depends(self, path: str, scope: int, expr: model.Expr | None) -> tuple[Function, bool] | None:
        """`Depends(get_db)`, also as `Security(...)`."""
        if not isinstance(expr, model.CallRef):
            return None
        if not any(isinstance(v, External) and v.fqn in _DEPENDS for v in self._resolver.callee(path, expr.index)):
            return None
        call = self._resolver.call(path, expr.index)
        keywords = dict(call.keywords)
        target = call.args[0] if call.args else keywords.get("dependency")
        ended = keywords.get("scope")
        values = self._resolver.values(path, scope, target) if target is not None else ()
        functions = [function for value in values for function in functions_of(value)]
        if len(functions) != 1:
            return None
        return functions[0], isinstance(ended, model.Const) and ended.value == "function"

    def _handle(self, path: str, scope: int, annotation: model.Expr | None) -> Handle | None:
        if annotation is None:
            return None
        for value in hints.instances(self._resolver, path, scope, annotation):
            if isinstance(value, ExternalInstance):
                handle = self._resolver.library.handle(value.fqn)
                if handle is not None:
                    return handle
        return None

    def _yielded(self, dependency: Function) -> Handle | None:
        """What the dependency hands out, by its own yield or return."""
        calls = self._resolver.calls
        scope = self._resolver.scope(dependency.path, dependency.scope)
        values = calls.yields(dependency) if scope.is_generator else calls.returned(dependency)
        for value in values:
            if isinstance(value, ExternalInstance):
                handle = self._resolver.library.handle(value.fqn)
                if handle is not None:
                    return handle
        return None

    def route_dependencies(self, path: str, scope_index: int) -> list[Function]:
        """The functions in `dependencies=[Depends(f)]` of the decorators."""
        found: list[Function] = []
        scope = self._resolver.scope(path, scope_index)
        outer = max(scope.parent, 0)
        for decorator in scope.decorators:
            if not isinstance(decorator.value, model.CallRef):
                continue
            given = dict(self._resolver.call(path, decorator.value.index).keywords).get("dependencies")
            for item in given.items if isinstance(given, model.Items) else ():
                depends = self._depends(path, outer, item)
                if depends is not None:
                    found.append(depends[0])
        return found
