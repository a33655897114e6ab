"""Small programs in memory for tests of the reasoning layer: files by name, and the parts that `analyse` wires."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import harness

from poollint.program.analysis import ProgramRequest, analyse
from poollint.program.callers import Callers
from poollint.program.ceilings import Ceilings
from poollint.program.flow import Flows
from poollint.program.frequency import Frequencies
from poollint.program.graph import Run
from poollint.program.guards import Guards
from poollint.program.lifetimes.disposing import Disposing
from poollint.program.names import Resolver
from poollint.program.own_caches import OwnCaches
from poollint.program.places import Places
from poollint.program.predicates import Predicates
from poollint.program.project import Project
from poollint.program.registrations import Registrations
from poollint.program.values import (
    BoundMethod,
    ClassValue,
    Container,
    External,
    ExternalInstance,
    Function,
    Instance,
    ModuleValue,
    Partial,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poollint.facts import model
    from poollint.program.flow import Flow
    from poollint.program.guard import Guard
    from poollint.program.sites import EngineSite, Frequency
    from poollint.program.values import Value


@dataclass(frozen=True, slots=True)
class Program:
    """The parts of one program; `files` are texts by path."""

    files: dict[str, bytes]
    project: Project
    resolver: Resolver
    guards: Guards
    callers: Callers
    frequencies: Frequencies

    def facts(self, path: str) -> model.ModuleFacts:
        """The facts of a file that parses."""
        facts = self.project.facts(path)
        assert facts is not None, self.project.problems
        return facts

    def scope_named(self, path: str, qualname: str) -> int:
        """The index of the only scope with this qualified name ("" is the module)."""
        found = [index for index, scope in enumerate(self.facts(path).scopes) if scope.qualname == qualname]
        assert len(found) == 1, (qualname, [scope.qualname for scope in self.facts(path).scopes])
        return found[0]

    def call_named(self, path: str, name: str) -> int:
        """The index of the only call whose callee ends in `name`."""
        calls = self.facts(path).calls
        found = [index for index, call in enumerate(calls) if last_name(call.func) == name]
        assert len(found) == 1, (name, [last_name(call.func) for call in calls])
        return found[0]

    def values(self, name: str, path: str = "main.py", scope: str = "") -> list[str]:
        """What a bare name may be, in words, sorted."""
        return sorted(show(self, value) for value in self.resolver.lookup(path, self.scope_named(path, scope), name))

    def guard(self, call: str = "create_engine", path: str = "main.py") -> Guard | None:
        """The guard in front of a call."""
        return self.guards.of_call(path, self.call_named(path, call))

    def flow(self, call: str = "create_engine", path: str = "main.py") -> Flow:
        """Where the result of a call goes."""
        disposing = Disposing(self.resolver, self.callers.mentions)
        return Flows(self.resolver, disposing).of_call(path, self.call_named(path, call))

    def frequency(self, qualname: str, path: str = "main.py") -> Frequency:
        """How often a function runs."""
        node = Run(path, self.scope_named(path, qualname))
        self.frequencies.settle([node])
        return self.frequencies.of(node)


def load(files: dict[str, str] | str) -> Program:
    """A program; a single text is `main.py`. Indentation that all lines share is taken off."""
    texts = encoded(files)
    project = Project(tuple(texts), texts.__getitem__)
    resolver = Resolver(project, harness.shipped_library())
    places = Places(resolver)
    registrations = Registrations(resolver, places, Predicates(resolver, places, frozenset()))
    guards = Guards(resolver)
    callers = Callers(resolver, guards, registrations, places)
    frequencies = Frequencies(callers, places, Ceilings(resolver, OwnCaches(resolver, guards)))
    return Program(texts, project, resolver, guards, callers, frequencies)


def sites(files: dict[str, str] | str, order: Sequence[str] | None = None) -> tuple[EngineSite, ...]:
    """The engine sites of a program whose files are listed in this order."""
    texts = encoded(files)
    request = ProgramRequest(Path("/program"), tuple(order or texts), (), texts.__getitem__, harness.shipped_library())
    result = analyse(request)
    assert not result.problems, result.problems
    return result.sites.engines


def encoded(files: dict[str, str] | str) -> dict[str, bytes]:
    """The bytes of each file."""
    named = {"main.py": files} if isinstance(files, str) else files
    return {path: textwrap.dedent(text).lstrip("\n").encode() for path, text in named.items()}


def last_name(expr: model.Expr) -> str:
    """The last component of a callee."""
    return str(getattr(expr, "attr", "") or getattr(expr, "id", ""))


def show(program: Program, value: Value) -> str:
    """A value in words."""
    if isinstance(value, External):
        return value.fqn
    if isinstance(value, ExternalInstance):
        return f"a {value.fqn}"
    if isinstance(value, ModuleValue):
        return f"module {value.path}"
    if isinstance(value, (Function, ClassValue, Instance)):
        name = program.facts(value.path).scopes[value.scope].qualname
        return f"a {name}" if isinstance(value, Instance) else name
    if isinstance(value, BoundMethod):
        return f"bound {show(program, value.function)}"
    if isinstance(value, Partial):
        return f"partial {show(program, value.function)}"
    if isinstance(value, Container):
        return f"[{', '.join(sorted(show(program, item) for item in value.items))}]"
    return type(value).__name__
