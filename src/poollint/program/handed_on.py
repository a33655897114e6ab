"""An engine that a function returns, followed into its callers: do they keep it, drop it or dispose of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from poollint.program import spans
from poollint.program.expressions import last_name
from poollint.program.graph import Run
from poollint.program.sites import Escape, Release

if TYPE_CHECKING:
    from poollint.program.callers import Callers
    from poollint.program.flow import Flow, Flows
    from poollint.program.graph import Source
    from poollint.program.names import Resolver
    from poollint.program.sites import Span

_Found: TypeAlias = "tuple[set[Escape], Release, Span | None]"
"""Where the engine goes, whether it is disposed of, and by which call."""
FARTHEST = 4
_ORDER = (Release.NEVER, Release.HAPPY_PATH, Release.ALWAYS)


class HandedOn:
    """Extends a flow over the callers of the function."""

    def __init__(self, resolver: Resolver, callers: Callers, flows: Flows) -> None:
        self._resolver = resolver
        self._callers = callers
        self._flows = flows

    def extend(self, flow: Flow, node: Run) -> None:
        """Replace "returned" by what the known callers do with the result; unknown callers leave it as it is."""
        if Escape.RETURNED not in flow.escapes or node.scope == 0:
            return
        found = self._after_return(node, FARTHEST, {node})
        if found is None:
            return
        escapes, release, span = found
        flow.escapes.discard(Escape.RETURNED)
        flow.escapes.update(escapes)
        if _ORDER.index(release) > _ORDER.index(flow.release):
            flow.release = release
            flow.dispose_span = flow.dispose_span or span

    def _after_return(self, node: Run, depth: int, seen: set[Run]) -> _Found | None:
        sources = self._callers.sources(node)
        if not sources or depth == 0:
            return None
        escapes: set[Escape] = set()
        release, span = Release.ALWAYS, None
        for source in sources:
            found = self._at_source(source, node, depth, seen)
            if found is None:
                return None
            escapes |= found[0]
            release = min(release, found[1], key=_ORDER.index)
            span = span or found[2]
        return escapes, release, span

    def _at_source(self, source: Source, node: Run, depth: int, seen: set[Run]) -> _Found | None:
        if not isinstance(source.caller, Run) or not source.is_call:
            return None
        flow = self._flow_at(source, node)
        if flow is None:
            return None
        if Escape.RETURNED not in flow.escapes:
            return set(flow.escapes), flow.release, flow.dispose_span
        caller = Run(source.caller.path, source.caller.scope)
        if caller in seen:
            return None
        beyond = self._after_return(caller, depth - 1, seen | {caller})
        if beyond is None:
            return None
        kept = (flow.escapes - {Escape.RETURNED}) | beyond[0]
        return kept, max(flow.release, beyond[1], key=_ORDER.index), flow.dispose_span or beyond[2]

    def _flow_at(self, source: Source, node: Run) -> Flow | None:
        """The flow of the result where it is called, or of the property where it is read on self."""
        name = self._resolver.scope(node.path, node.scope).name
        facts = self._resolver.facts(source.span.path)
        for index in spans.calls_at(facts, source.span):
            if last_name(facts.calls[index].func) in (name, ""):
                return self._flows.of_call(source.span.path, index)
        if source.caller is not None and self._resolver.defining_class(node.path, node.scope) is not None:
            return self._flows.of_attribute(source.caller.path, source.caller.scope, name)
        return None
