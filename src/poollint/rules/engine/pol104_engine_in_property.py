"""## What it does
Finds a property that makes an engine each time it is read.

## Why it is bad
`repo.engine` looks like an attribute, but every read makes another connection pool and leaves the one before to the
garbage collector.

## Example
```python
from sqlalchemy import create_engine

class Repository:
    @property
    def engine(self):
        return create_engine("postgresql+psycopg2://app@db/app")
```

## Use instead
```python
import functools
from sqlalchemy import create_engine

class Repository:
    @functools.cached_property
    def engine(self):
        return create_engine("postgresql+psycopg2://app@db/app")
```
One engine for the whole process is better still: make it at module level and pass it in.

## When it stays quiet
- The property is cached (`cached_property`, `reify`), or it guards an attribute (`if self._engine is None`).
- Every path disposes of the engine, or the pool is NullPool, or all known reads run once: info.
- Tests, migrations, scripts that end soon, in-memory SQLite; private properties that nobody reads.
- No read is known to repeat: warning instead of error.

## Fix safety
`@functools.cached_property` in place of `@property` is unsafe: it needs an instance `__dict__` and keeps the engine as
long as the object. It is only described, not offered, where the class has `__slots__` or a decorator, the property has
a setter, or the engine is disposed of after use.

## References
- [functools.cached_property](https://docs.python.org/3/library/functools.html#functools.cached_property)
- [SQLAlchemy: Engine basic usage](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder
from poollint.rules.base import FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    disposed_always,
    exempt,
    frequency_is_known,
    null_pool,
    runs_repeatedly,
    unreferenced_private,
)
from poollint.rules.engine.reporting import assumed_confidence, proven_confidence, repeated_severity, verdict
from poollint.rules.engine.wording import call_name, clip, per, sentence

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Confidence
    from poollint.program.sites import EngineSite, ProgramSites
    from poollint.rules.mending import FixTarget
    from poollint.rules.visitor import CallMarker

METADATA = Metadata(
    code="POL104",
    name="engine-in-property",
    summary="A property makes an engine each time it is read",
    severity="error",
    confidence="high",
    fix="unsafe",
)


def built_per_read(site: EngineSite) -> bool:
    """An uncached property makes the engine."""
    return site.holder is Holder.PROPERTY and not unreferenced_private(site) and not exempt(site)


def proven(site: EngineSite) -> bool:
    """A resolved chain reads the property again and again."""
    return runs_repeatedly(site) and frequency_is_known(site)


def severity(site: EngineSite) -> Severity:
    """Error when the reads are proven to repeat, warning when none is known, info when they run once."""
    if proven(site):
        return repeated_severity(site, Severity.ERROR)
    return Severity.INFO if frequency_is_known(site) else repeated_severity(site, Severity.WARNING)


def confidence(site: EngineSite) -> Confidence:
    """As sure as the chain where there is one."""
    return proven_confidence(site) if frequency_is_known(site) else assumed_confidence(site)


def message(site: EngineSite) -> str:
    """Which property, how often it is known to be read, and the remedy."""
    name = clip(site.symbol.rsplit(".", 1)[-1], 40)
    head = f"property {name} {'disposes and rebuilds' if disposed_always(site) else 'makes'} an engine"
    entry = site.frequency.entry if proven(site) else ""
    how_often = per(site.frequency) if proven(site) else "on every read"
    return sentence(f"{head} {how_often} with {call_name(site)}", entry, "use functools.cached_property")


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each property that makes an engine."""
    return [
        verdict(
            METADATA,
            site,
            message(site),
            severity(site),
            confidence(site),
            fix_title="Replace @property with @functools.cached_property",
            fix_applicability="unsafe",
            facts=FixFacts(names=(("against", reason_against_keeping(site)),)),
        )
        for site in sites.engines
        if built_per_read(site)
    ]


def marker() -> type[CallMarker]:
    """The visitor: `cached_property` takes the place of a plain property without setter, in a class without slots."""
    import libcst as cst

    from poollint.rules.visitor import CallMarker, class_around, decorator_names

    class PropertyMarker(CallMarker):
        def fix_title(self, proposed: str) -> str:
            return proposed if self.replaceable() else "Keep the engine on the object or at module level"

        def fix_applicability(self, proposed: str) -> str:
            return proposed if self.replaceable() else "display"

        def replaceable(self) -> bool:
            function = self.innermost(cst.FunctionDef)
            owner = class_around(self.source, self.target.line)
            if function is None or owner is None or "property" not in decorator_names(function):
                return False
            return not has_slots(owner) and not has_setter(owner, function.name.value)

    return PropertyMarker


def has_slots(owner: ast.ClassDef) -> bool:
    """The class says where its attributes live, so that `cached_property` has no `__dict__` to write to."""
    return any(name == "__slots__" for statement in owner.body for name in _assigned_names(statement))


def has_setter(owner: ast.ClassDef, name: str) -> bool:
    """Another function of the class completes the property: `@engine.setter`."""
    return any(
        isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name) and decorator.value.id == name
        for statement in owner.body
        for decorator in getattr(statement, "decorator_list", ())
    )


def _assigned_names(statement: ast.stmt) -> list[str]:
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return []
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def reason_against_keeping(site: EngineSite) -> str:
    """Why an object must not keep its engine; "" when nothing speaks against it."""
    if site.is_async and "new_loop" in site.frequency.contexts:
        return "each run has an event loop of its own"
    if disposed_always(site) or site.dispose_span is not None:
        return "the engine is disposed of after each use"
    return "its NullPool keeps nothing that could be shared" if null_pool(site) else ""


def fix(target: FixTarget) -> Proposal | Refusal:
    """Replaces the only decorator of a property that has no setter, in a class whose objects have a `__dict__`."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability
    from poollint.rules.visitor import class_around

    tree, reason = target.tree, target.verdict.facts.name("against")
    call = target.node(cst.Call)
    function = tree.function(call) if call is not None else None
    if reason or function is None:
        return Refusal(reason or "the call is not part of the property itself")
    owner = tree.innermost(function, cst.ClassDef)
    syntax = class_around(tree.source, tree.location(function).line)
    if owner is None or syntax is None or syntax.name != owner.name.value:
        return Refusal("it is not clear which class the property belongs to")
    if has_slots(syntax) or owner.decorators or _is_abstract(syntax):
        return Refusal("the objects of the class may have no __dict__")
    if has_setter(syntax, function.name.value) or function.asynchronous is not None:
        return Refusal("the property is more than a plain getter")
    decorators = [decorator.decorator for decorator in function.decorators]
    if len(decorators) != 1 or not (isinstance(decorators[0], cst.Name) and decorators[0].value == "property"):
        return Refusal("the property has other decorators")
    imported = tree.imports.name_for("functools", "cached_property", function)
    if imported is None:
        return Refusal("cached_property stands for something else in the file")
    edits = (*imported.edits, tree.replace(decorators[0], imported.name))
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, edits)


def _is_abstract(owner: ast.ClassDef) -> bool:
    """A protocol, a named tuple or an enumeration, whose members are no plain attributes."""
    bases = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in owner.bases}
    return bool(bases & {"Protocol", "NamedTuple", "Enum", "TypedDict"})


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, marker=marker, fixer=fix)
