"""A plain walk over a concrete tree. libcst's own visitors rebuild what they visit, which takes ten times as long."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator


def family(root: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """All nodes below `root` with the node around each; a node comes before those below it, in no other order."""
    waiting: list[cst.CSTNode] = [root]
    while waiting:
        parent = waiting.pop()
        for name in _fields(type(parent)):
            value = getattr(parent, name)
            if isinstance(value, cst.CSTNode):
                yield value, parent
                waiting.append(value)
            elif isinstance(value, (list, tuple)):
                for each in value:
                    if isinstance(each, cst.CSTNode):
                        yield each, parent
                        waiting.append(each)


@cache
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The attributes of a kind of node that can hold nodes."""
    return tuple(kind.__dataclass_fields__)
