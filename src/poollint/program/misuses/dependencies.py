"""POL204: a FastAPI dependency that returns a session: nobody closes it when the request ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import last_name, spelled
from poollint.program.mentions import imported_as
from poollint.program.misuses.finder import Finder
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.misuses.typed import DEPENDS
from poollint.program.references import Role
from poollint.program.sites import Span, Step
from poollint.program.values import External, ExternalInstance, Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.facts import model
    from poollint.program.lifetimes.making import Makings
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.references import Reference


class Dependencies(Finder):
    """Looks at what is given to Depends()."""

    markers = (b"Depends(", b"Security(")

    def __init__(self, resolver: Resolver, places: Places, makings: Makings, mentions: Mentions) -> None:
        self._resolver = resolver
        self._places = places
        self._makings = makings
        self._mentions = mentions

    def concerns(self, path: str) -> bool:
        """The file names something that hands out a session, or a lambda."""
        project = self._resolver.project
        return (
            project.everything
            or b"(lambda" in project.data(path)
            or not self._makings.names.isdisjoint(project.tokens(path))
        )

    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The dependencies of a file that hand out a session without an owner."""
        seen = set()
        for index, call in enumerate(facts.calls):
            if not call.args or last_name(call.func) not in ("Depends", "Security"):
                continue
            if not any(isinstance(v, External) and v.fqn in DEPENDS for v in self._resolver.callee(path, index)):
                continue
            for value in self._resolver.values(path, call.scope, call.args[0]):
                found = self._of_provider(path, facts, call, value)
                if found is not None and found.span not in seen:
                    seen.add(found.span)
                    yield found

    def _of_provider(self, path: str, facts: model.ModuleFacts, call: model.Call, value: object) -> Misuse | None:
        if isinstance(value, Function):
            return self._of_function(path, call, value)
        names = []
        if isinstance(value, ExternalInstance):
            names.append(f"{value.fqn}.__call__")
        elif isinstance(value, External):
            names.append(value.fqn)
        for name in names:
            maker = self._resolver.library.handle_maker(name)
            if maker is not None and not maker.registry:
                return self._misuse(path, spans.of(path, call), "", spelled(call.args[0], facts), ())
        return None

    def _of_function(self, path: str, call: model.Call, function: Function) -> Misuse | None:
        result = self._makings.fresh_making(function)
        if result is None or result.handle.kind != "session":
            return None
        scope = self._resolver.scope(function.path, function.scope)
        making = spans.of(function.path, self._resolver.call(function.path, result.call))
        step = Step(spans.of(path, call), f"{scope.name or 'lambda'}() is a dependency of each request")
        names = []
        if ".asyncio." in result.maker.makes:
            names.append(("async", "yes"))
        if result.factory is None and not result.maker.proxy and self._is_only_given(function, scope):
            names.append(("only", "yes"))
        return self._misuse(function.path, making, scope.qualname, scope.name or "lambda", (step,), tuple(names))

    def _is_only_given(self, function: Function, scope: model.Scope) -> bool:
        """Every mention of a function of a module is the argument of Depends(): nobody else calls it."""
        if scope.kind != "function" or scope.parent != 0 or scope.decorators:
            return False
        for path in self._resolver.project.mentioning(scope.name):
            facts, references = self._resolver.project.facts(path), self._mentions.references(path)
            if facts is None or references is None or references.texts(scope.name):
                return False
            if imported_as(facts, scope.name) - {scope.name}:
                return False
            if not all(self._is_given(path, reference) for reference in references.of(scope.name)):
                return False
        return True

    def _is_given(self, path: str, reference: Reference) -> bool:
        position = reference.position
        if position.role is not Role.ARGUMENT or position.whole is not reference.expr:
            return False
        callees = self._resolver.callee(path, position.index)
        return any(isinstance(value, External) and value.fqn in DEPENDS for value in callees)

    def _misuse(
        self,
        path: str,
        span: Span,
        symbol: str,
        name: str,
        related: tuple[Step, ...],
        names: tuple[tuple[str, str], ...] = (),
    ) -> Misuse:
        return Misuse(
            MisuseKind.DEPENDENCY,
            span,
            symbol,
            name,
            related=related,
            grave=True,
            in_test=self._places.is_test(path),
            in_migration=self._places.is_migration(path),
            group=span,
            names=names,
        )
