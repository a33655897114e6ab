"""Clean-up that is bound to a hook of one kind of entry point, and the entry points of other kinds that need it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program import spans
from poollint.program.expressions import last_name
from poollint.program.graph import Run
from poollint.program.lifetimes.registry_sites import Gap
from poollint.program.references import Role
from poollint.program.values import ClassValue, External, Function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.library.model import Symbol
    from poollint.program.callers import Callers
    from poollint.program.graph import Node, Source
    from poollint.program.names import Resolver
    from poollint.program.references import Position

MOST_NODES = 500
"""Functions that are followed upwards; a longer way proves nothing about who cleans up."""
_CONCURRENT_KINDS = frozenset({"request", "event", "thread", "job", "scheduled", "async_task"})


class Gaps:
    """Compares what reaches the clean-up with what reaches the uses."""

    def __init__(self, resolver: Resolver, callers: Callers) -> None:
        self._resolver = resolver
        self._callers = callers

    def of(
        self, removed_in: Iterable[tuple[str, int]], hooked: set[str], used_in: Iterable[tuple[str, int]]
    ) -> tuple[Gap, ...]:
        """The entry points that no clean-up reaches; none where some clean-up is not understood."""
        cleaning: set[Node] = set()
        hooks: dict[str, Node] = {}
        for path, scope in removed_in:
            above = self._above(Run(path, scope))
            own = {name: node for node in above for name in self._hooks(node)}
            if not own and not any(source.caller is None for node in above for source in self._callers.sources(node)):
                return ()
            hooks.update(own)
            cleaning |= above
        if not hooks or hooked or len(cleaning) >= MOST_NODES:
            return ()
        covered = {kind for name in hooks for kind in self._covered(name)}
        if "" in covered:
            return ()
        found: dict[tuple[str, int], Gap] = {}
        name, node = min(hooks.items(), key=lambda item: (item[0], item[1].path, item[1].scope))
        hook_span = spans.of_definition(node.path, self._resolver.scope(node.path, node.scope))
        for path, scope in used_in:
            for entry, source in self._entries(Run(path, scope), cleaning):
                if source.kind in _CONCURRENT_KINDS - covered and source.concurrent:
                    facts = self._resolver.scope(entry.path, entry.scope)
                    span = spans.of_definition(entry.path, facts)
                    gap = Gap(span, facts.qualname, source.unit or source.kind, name.rpartition(".")[2], hook_span)
                    found.setdefault((entry.path, entry.scope), gap)
        return tuple(found[key] for key in sorted(found))

    def hooks_of_argument(self, path: str, position: Position) -> set[str]:
        """The release hooks that a callable is passed to here."""
        if position.role is Role.DECORATOR or not 0 <= position.index < len(self._resolver.facts(path).calls):
            return set()
        callees = self._resolver.callee(path, position.index)
        names = {value.fqn for value in callees if isinstance(value, External)}
        return {name for name in names if self._resolver.library.release_hook(name) is not None}

    # ---------------------------------------------------------------------------------------------- the graph
    def _above(self, start: Node) -> set[Node]:
        """The node and everything that is known to lead to it."""
        found: set[Node] = {start}
        pending = [start]
        while pending and len(found) < MOST_NODES:
            for source in self._callers.sources(pending.pop()):
                if source.caller is not None and source.caller not in found:
                    found.add(source.caller)
                    pending.append(source.caller)
        return found

    def _entries(self, start: Node, cleaning: set[Node]) -> list[tuple[Node, Source]]:
        """Entry points that lead to the node through functions of which none cleans up."""
        found: list[tuple[Node, Source]] = []
        seen: set[Node] = {start}
        pending: list[Node] = [start]
        while pending and len(seen) < MOST_NODES:
            node = pending.pop()
            if node in cleaning:
                continue
            for source in self._callers.sources(node):
                if source.caller is None:
                    found.append((node, source))
                elif source.caller not in seen:
                    seen.add(source.caller)
                    pending.append(source.caller)
        return found

    # ---------------------------------------------------------------------------------------------- hooks
    def _hooks(self, node: Node) -> set[str]:
        """The release hooks that run the function: a decorator, an argument of a call, a method of that name."""
        scope = self._resolver.scope(node.path, node.scope)
        if scope.kind != "function":
            return set()
        library = self._resolver.library
        names = set(self._resolver.decorator_names(node.path, node.scope))
        owner = self._resolver.defining_class(node.path, node.scope)
        if owner is not None:
            names |= {f"{base}.{scope.name}" for base in self._bases(owner)}
        found = {name for name in names if library.release_hook(name) is not None}
        function = Function(node.path, node.scope)
        for path in self._callers.mentions.files(node.path, scope.name):
            for reference in self._callers.mentions.of(path, scope.name):
                position = reference.position
                if position.role is Role.ARGUMENT and last_name(reference.expr) == scope.name:
                    hooks = self.hooks_of_argument(path, position)
                    if hooks and self._callers.mentions.is_function(path, reference, function):
                        found |= hooks
        return found

    def _bases(self, cls: ClassValue) -> tuple[str, ...]:
        return self._resolver.classes.external_bases(cls)

    def _covered(self, name: str) -> set[str]:
        """The kinds of entry points after which a hook runs; "" for all."""
        row: Symbol | None = self._resolver.library.release_hook(name)
        if row is None or row.scope == "app_context":
            return {""}
        if row.scope == "request":
            return {"request", "dependency"} if row.weak else {"request", "dependency", "event"}
        return {"job", "async_task", "scheduled"} if row.scope == "task" else {""}
