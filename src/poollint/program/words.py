"""The words of messages and witness steps: what runs, what it runs once per, how it was registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.library.model import Kind
from poollint.program.values import BoundMethod, ClassValue, Function, Partial

if TYPE_CHECKING:
    from poollint.facts.model import Scope
    from poollint.library.model import EntryPoint
    from poollint.program.names import Resolver
    from poollint.program.sites import Span
    from poollint.program.values import Value

UNITS: dict[Kind, str] = {
    Kind.THREAD: "thread",
    Kind.PROCESS: "process",
    Kind.ASYNC_TASK: "task",
    Kind.NEW_LOOP: "event loop",
    Kind.REQUEST: "request",
    Kind.DEPENDENCY: "request",
    Kind.EVENT: "callback",
    Kind.JOB: "task",
    Kind.SCHEDULED: "scheduled run",
    Kind.LOOP_STEP: "iteration",
    Kind.PER_ITEM: "item",
    Kind.RERUN: "rerun of the script",
}


def unit(kind: Kind) -> str:
    """What a callable of this kind runs once per."""
    return UNITS.get(kind, "call")


def scope(facts: Scope) -> str:
    """A scope as the subject of a sentence: "worker()", "the lambda", "the module"."""
    if facts.kind == "module":
        return "the module"
    if facts.kind == "lambda":
        return "the lambda"
    if facts.kind == "class":
        return f"the body of class {facts.name}"
    return f"{facts.qualname.replace('.<locals>', '')}()"


def target(resolver: Resolver, value: Value) -> str:
    """The name of what runs, without brackets."""
    if isinstance(value, Partial):
        return target(resolver, value.function)
    if isinstance(value, BoundMethod):
        value = value.function
    if isinstance(value, (Function, ClassValue)):
        facts = resolver.scope(value.path, value.scope)
        return "the lambda" if facts.kind == "lambda" else facts.qualname.replace(".<locals>", "")
    return "it"


def place(span: Span) -> str:
    """A place as "main.py:14"."""
    return f"{span.path}:{span.line}"


def registered(name: str, row: EntryPoint, spelled: str) -> str:
    """The witness step of a registration."""
    return f"{name} runs once per {unit(row.kind)}: registered with {spelled}"


def short(fqn: str) -> str:
    """A library name that a reader recognises: its last two components."""
    return ".".join(fqn.split(".")[-2:])
