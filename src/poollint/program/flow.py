"""Where an engine goes after it is made, and whether the code that made it disposes of it.

A local, flow-insensitive walk over one scope: the names that hold the engine, the sessions and connections built on it,
what leaves, and what disposes of it. Where something does, `lifetimes.disposing` judges the paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts import model
from poollint.program.describing import never_connects
from poollint.program.expressions import spelled, values_given
from poollint.program.holdings import Disposal, Holdings
from poollint.program.passing import Passing
from poollint.program.sites import Escape, Release, Span
from poollint.program.storing import Storing

if TYPE_CHECKING:
    from poollint.program.lifetimes.disposing import Disposing
    from poollint.program.lifetimes.sites import Leak
    from poollint.program.names import Resolver
    from poollint.program.values import Function


class Flow(Struct):
    """What was found out about one engine.

    `names`, `attributes` and `containers` are the locals, attributes of self and local containers that hold the engine
    itself. `inline_into` is the callee, as written, that the bare call is an argument of.
    """

    escapes: set[Escape] = set()
    disposals: list[Disposal] = []
    release: Release = Release.NEVER
    leaks: tuple[Leak, ...] = ()
    dispose_span: Span | None = None
    names: set[str] = set()
    attributes: set[str] = set()
    containers: set[str] = set()
    inline_into: str = ""
    in_scoped_session: bool = False
    never_connects: bool = False


class Flows:
    """Computes flows; one per site."""

    def __init__(self, resolver: Resolver, disposing: Disposing) -> None:
        self._resolver = resolver
        self._disposing = disposing

    def of_call(self, path: str, index: int) -> Flow:
        """The flow of the engine that this call makes."""
        call = self._resolver.call(path, index)
        holdings = Holdings(self._resolver, path, call.scope, Flow(inline_into=self._inline_into(path, index, call)))
        holdings.engines.add(index)
        return self._judged(holdings, index)

    def of_parameter(self, function: Function, name: str, depth: int) -> Flow:
        """What a function does with an engine that it is given, `depth` calls away from where it was made."""
        return self._walk(Holdings(self._resolver, function.path, function.scope, Flow(names={name})), depth)

    def of_attribute(self, path: str, scope: int, name: str) -> Flow | None:
        """What a method does with the engine that it reads from `self.name`; None when it is read from elsewhere."""
        holdings = Holdings(self._resolver, path, scope, Flow())
        if not holdings.reads_from_self(name):
            return None
        holdings.flow.attributes.add(name)
        return self._judged(holdings, -1, f"{holdings.scope.parameters[0].name}.{name}")

    def _judged(self, holdings: Holdings, acquisition: int, attribute: str = "") -> Flow:
        flow = self._walk(holdings)
        if flow.disposals:
            self._disposing.judge(holdings, acquisition, attribute)
        return flow

    def _walk(self, holdings: Holdings, depth: int = 0) -> Flow:
        storing = Storing(holdings)
        storing.settle()
        Passing(holdings, storing, self.of_parameter, depth).read()
        storing.capture()
        holdings.flow.never_connects = never_connects(holdings)
        return holdings.flow

    def _inline_into(self, path: str, index: int, call: model.Call) -> str:
        """The callee that the bare call is an argument of: "Session" for `Session(create_engine(url))`."""
        if call.role != "arg" or call.outer < 0:
            return ""
        outer = self._resolver.call(path, call.outer)
        direct = any(isinstance(each, model.CallRef) and each.index == index for each in values_given(outer))
        return spelled(outer.func) if direct else ""
