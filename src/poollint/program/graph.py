"""The parts of the call graph that matter: nodes at stake, what runs them, and how often.

A node is a function of the program or the construction of a class. Its sources are the places that run it: a call in
another function, a registration with a library, or a fact about its name or place (a Lambda handler, a test). Callers
are found on demand, outwards from the acquisition sites, to a fixpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from poollint.program.sites import Confidence, Times

if TYPE_CHECKING:
    from poollint.program.sites import Span


class Run(Struct, frozen=True, order=True):
    """Running a function of the program (scope 0: importing the module); `without`: by the calls that leave this
    parameter out, or ("+name") that pass it, and the other forms that `Conditions` knows."""

    path: str
    scope: int
    without: str = ""


class Construct(Struct, frozen=True, order=True):
    """Making an instance of a class of the program; `without` as for `Run`."""

    path: str
    scope: int
    without: str = ""


Node: TypeAlias = Run | Construct


class Source(Struct, frozen=True):
    """One reason why a node runs.

    From another node (`caller`): as often as the caller, raised to MANY where `loop` says so, and capped at `cap` or at
    the frequency of the node `per` (a guard on an attribute of an object: once per object). `fallback` are the times
    that count when the caller's are not known. `virtual`: the call names a base class of which the method is only one
    of the overrides; it may run often because of that call, but nothing follows from a call that runs once.
    From outside (`caller` is None): `times` per process. `unit` and `entry` are the words of a message, `text` the
    witness step. `kind` is the context it brings ("request", "thread", ...; "" for a plain call).
    """

    span: Span
    text: str
    caller: Node | None = None
    times: Times = Times.MANY
    kind: str = ""
    unit: str = ""
    entry: str = ""
    loop: Span | None = None
    cap: Times | None = None
    per: Node | None = None
    concurrent: bool = False
    confidence: Confidence = Confidence.HIGH
    is_call: bool = True
    fallback: Times | None = None
    virtual: bool = False
    dispatches: bool = False
    """The caller goes over functions, the target among them: a loop around *its* calls may be there for others."""
