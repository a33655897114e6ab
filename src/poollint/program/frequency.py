"""How often a node runs, and the shortest chain that proves it.

The nodes at stake and everything that can reach them are collected first; then the frequencies are computed as the
least fixpoint over that graph: the maximum over all sources that are known. A node without a known source is unknown,
never "many". Among chains of the same strength the shortest wins, ties by path and line, so the answer does not
depend on the order of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from poollint.library.model import Kind
from poollint.program import words
from poollint.program.graph import Construct, Node, Run, Source
from poollint.program.sites import Confidence, Frequency, Step, Times

if TYPE_CHECKING:
    from poollint.program.callers import Callers
    from poollint.program.ceilings import Ceilings
    from poollint.program.places import Places

LONGEST_CHAIN = 24
FARTHEST = 7
"""Levels of callers that are searched: a chain of more than six calls convinces nobody, and costs most of the time."""
LOOP_REACH = 3
"""Calls between a loop and the site it repeats, at most. A loop farther away (over pipelines, files, test cases) is a
program's main loop as often as not: on the corpus most false alarms came from such chains."""


class _Label(Struct, frozen=True):
    """The best known answer for a node: its frequency, its witness (entry point first), and the words for it."""

    times: Times
    chain: tuple[Source, ...]
    unit: str
    entry: str
    confidence: Confidence
    since_loop: int = 0
    """Calls since the loop that raised it to MANY, that loop's own call included; 0 without one."""

    def key(self) -> tuple[object, ...]:
        spans = tuple((source.span, source.text) for source in self.chain)
        return (self.confidence is Confidence.LOW, -self.times, -self.confidence, len(self.chain), spans)


class Frequencies:
    """Answers for the nodes it was asked to `settle`, all at once."""

    def __init__(self, callers: Callers, places: Places, ceilings: Ceilings) -> None:
        self._callers = callers
        self._places = places
        self._labels: dict[Node, _Label] = {}
        self._steady: dict[Node, _Label] = {}
        self._entries: dict[Node, frozenset[object]] = {}
        self._contexts: dict[Node, frozenset[str]] = {}
        self._concurrent: dict[Node, bool] = {}
        self._nodes: set[Node] = set()
        self._open: frozenset[Node] = frozenset()
        self._ceilings = ceilings

    # ---------------------------------------------------------------------------------------------- collection
    def settle(self, nodes: list[Node]) -> None:
        """Find what runs the nodes, level by level outwards, and compute all frequencies.

        A node that is proven to run many times needs no further callers, and what lies more than FARTHEST calls away
        proves nothing to a reader: the search goes on only from nodes that are neither.
        """
        wanted = sorted(set(nodes), key=_node_key)
        for _ in range(FARTHEST):
            frontier = self._frontier(wanted)
            if not frontier:
                break
            for node in frontier:
                self._nodes.add(node)
                self._callers.sources(node)
            self._solve()
        self._spread(sorted(self._nodes, key=_node_key))
        self._open = self._open_ended()

    def _frontier(self, wanted: list[Node]) -> list[Node]:
        """The nodes whose sources are not known yet and could still change the answer for a wanted node."""
        found: set[Node] = set()
        seen: set[Node] = set()
        pending = list(wanted)
        asked = frozenset(wanted)
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if node not in self._nodes:
                found.add(node)
                continue
            label = self._labels.get(node)
            if label is not None and label.times is Times.MANY and label.confidence is not Confidence.LOW:
                if not label.since_loop or node in asked:
                    continue
            for source in self._callers.sources(node):
                giver = source.per or source.caller
                if source.cap is None and giver is not None:
                    pending.append(giver)
            _, per = self._ceilings.of(node)
            if per is not None:
                pending.append(per)
        return sorted(found, key=_node_key)

    def _solve(self) -> None:
        """The least fixpoint of two labels a node: the best of all, and the best that owes nothing to a loop."""
        order = sorted(self._nodes, key=_node_key)
        self._labels.clear()
        self._steady.clear()
        changed, rounds = True, 0
        while changed and rounds < 200:
            changed, rounds = False, rounds + 1
            for node in order:
                candidates = self._candidates(node)
                steady = [label for label in candidates if not label.since_loop]
                changed = self._improve(self._steady, node, steady) or changed
                changed = self._improve(self._labels, node, candidates) or changed

    def _improve(self, labels: dict[Node, _Label], node: Node, candidates: list[_Label]) -> bool:
        best = self._capped(node, min(candidates, key=_Label.key)) if candidates else None
        if best is None or (node in labels and best.key() == labels[node].key()):
            return False
        labels[node] = best
        return True

    def _candidates(self, node: Node) -> list[_Label]:
        found = [label for source in self._callers.sources(node) for label in self._through(node, source)]
        if isinstance(node, Run) and node.scope == 0:
            found.append(self._module(node))
        return found

    def _module(self, node: Run) -> _Label:
        """Importing a module runs it once; a page that is executed again and again runs many times."""
        rerun = self._places.rerun(node.path)
        if rerun == "streamlit":
            return _Label(Times.MANY, (), "rerun of the script", f"Streamlit page {node.path}", Confidence.HIGH)
        return _Label(Times.ONCE, (), "", "", Confidence.HIGH)

    def _through(self, node: Node, source: Source) -> list[_Label]:
        """What a source makes of each label of its caller."""
        if source.caller is None:
            return [_Label(source.times, (source,), source.unit, source.entry, source.confidence)]
        if source.caller == node:
            return []
        if source.cap is not None:
            # A once-guard is evidence by itself, whoever calls the function around it.
            return [_Label(source.cap, (source,), "", "", source.confidence)]
        # Behind a guard on an attribute the code runs once per object: as often as objects are made.
        giver = source.per or source.caller
        known = [labels[giver] for labels in (self._labels, self._steady) if giver in labels]
        if not known and source.loop is not None and source.per is None:
            known = [_Label(Times.ONCE, (), "", "", Confidence.HIGH)]
        elif not known and source.fallback is not None and source.per is None:
            return [_Label(source.fallback, (source,), source.unit, source.entry, Confidence.MEDIUM)]
        found = [self._after(caller, source) for caller in dict.fromkeys(known)]
        return [label for label in found if label is not None]

    def _after(self, caller: _Label, source: Source) -> _Label | None:
        times, unit, entry, since = caller.times, caller.unit, caller.entry, caller.since_loop
        if since and source.is_call:
            since += 1
            if since > LOOP_REACH:
                return None
        if source.loop is not None and times is not Times.MANY and source.per is None:
            times, unit, entry, since = Times.MANY, "iteration", f"loop at {words.place(source.loop)}", 1
        if (
            source.kind
            and times is Times.MANY
            and source.unit
            and source.loop is None
            and not source.is_call
            and caller.unit == ""
        ):
            unit, entry = source.unit, source.entry
        if source.dispatches and caller.since_loop:
            return None
        if source.virtual and times is not Times.MANY:
            return None
        chain = (*caller.chain, source) if len(caller.chain) < LONGEST_CHAIN else caller.chain
        confidence = min(caller.confidence, source.confidence)
        return _Label(times, chain, unit, entry, confidence, since)

    def _capped(self, node: Node, label: _Label) -> _Label | None:
        """A memoised function runs its body at most as often as the memoiser lets it."""
        cap, per = self._ceilings.of(node)
        if cap is not None and label.times > cap:
            return _Label(cap, label.chain, label.unit, label.entry, label.confidence)
        if per is not None:
            owner = self._labels.get(per)
            if owner is None:
                return None
            return owner if owner.times < label.times else label
        return label

    # ---------------------------------------------------------------------------------------------- contexts
    def _spread(self, order: list[Node]) -> None:
        """Contexts, concurrency and the entry points, joined over all sources."""
        self._contexts = {node: frozenset() for node in order}
        self._entries = {node: frozenset() for node in order}
        self._concurrent = dict.fromkeys(order, False)
        changed = True
        while changed:
            changed = False
            for node in order:
                contexts, entries = set(self._contexts[node]), set(self._entries[node])
                concurrent = self._concurrent[node]
                for source in self._callers.sources(node):
                    if source.kind:
                        contexts.add(source.kind)
                    concurrent = concurrent or source.concurrent
                    if source.caller is None and source.times is Times.MANY:
                        entries.add((source.span, source.kind))
                    elif source.caller is not None and source.caller in self._contexts:
                        contexts |= self._contexts[source.caller]
                        entries |= self._entries[source.caller]
                        concurrent = concurrent or self._concurrent[source.caller]
                if (
                    len(contexts) != len(self._contexts[node])
                    or len(entries) != len(self._entries[node])
                    or (concurrent != self._concurrent[node])
                ):
                    self._contexts[node], self._entries[node] = frozenset(contexts), frozenset(entries)
                    self._concurrent[node] = concurrent
                    changed = True

    def _open_ended(self) -> frozenset[Node]:
        """The nodes that lead back to a public function without a known caller, over plain calls alone."""
        found = {node for node in self._nodes if self._is_open_end(node)}
        pending = True
        while pending:
            more = {node for node in self._nodes - found if self._is_called_by(node, found)}
            found |= more
            pending = bool(more)
        return frozenset(found)

    def _is_open_end(self, node: Node) -> bool:
        if not isinstance(node, Run) or node.scope == 0 or node in self._labels:
            return False
        if node.without and not node.without.startswith("="):
            return False
        return not self._callers.sources(node) and self._callers.is_public(node.path, node.scope)

    def _is_called_by(self, node: Node, callers: set[Node]) -> bool:
        if self._ceilings.of(node) != (None, None):
            return False
        return any(
            source.is_call and source.caller in callers and source.cap is None and source.per is None
            for source in self._callers.sources(node)
            if source.confidence is Confidence.HIGH and not source.virtual
        )

    # ---------------------------------------------------------------------------------------------- answers
    def loop_behind(self, node: Node) -> Source | None:
        """The repeated call that makes the node run many times, when a loop is the only reason."""
        label = self._labels.get(node)
        if label is None or not label.since_loop:
            return None
        return next((source for source in reversed(label.chain) if source.loop is not None), None)

    def _has_no_such_call(self, node: Node, behind: frozenset[Node] = frozenset()) -> bool:
        """The callers are known, and all of them pass the parameter (or none of them the flag).

        Those that pass on a parameter of their own count by their callers; `behind` are the nodes that are called.
        """
        if not node.without or node in behind:
            return False
        sources = self._callers.sources(node)
        if not sources:
            known = bool(self._callers.sources(replace(node, without="")))
            return known or (bool(behind) and self._callers.conditions.must_be_given(node))
        inner = behind | {node}
        return all(each.caller is not None and self._has_no_such_call(each.caller, inner) for each in sources)

    def of(self, node: Node) -> Frequency:
        """The frequency of a settled node."""
        label = self._labels.get(node)
        contexts, concurrent = self._contexts.get(node, frozenset()), self._concurrent.get(node, False)
        if label is None and self._has_no_such_call(node):
            return Frequency(Times.NEVER, True)
        if label is None or label.confidence is Confidence.LOW:
            # A guess by a receiver's name proves nothing: the frequency stays unknown.
            return Frequency(Times.NEVER, False, contexts=contexts, concurrent=concurrent)
        chain = tuple(Step(source.span, source.text) for source in label.chain)
        more = max(len(self._entries.get(node, ())) - 1, 0) if label.times is Times.MANY else 0
        return Frequency(
            label.times,
            True,
            label.unit,
            label.entry,
            chain,
            more,
            contexts,
            concurrent,
            label.confidence,
            label.times < Times.PER_THREAD and node in self._open,
            any(source.kind == Kind.NEW_LOOP.value for source in label.chain),
        )


def _node_key(node: Node) -> tuple[str, int, str]:
    return (node.path, node.scope, (" made" if isinstance(node, Construct) else "") + node.without)
