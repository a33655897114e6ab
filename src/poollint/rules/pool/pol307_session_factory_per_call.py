"""## What it does
Finds `sessionmaker()` or `async_sessionmaker()` in a function that uses the factory itself: a new factory, and with it
a new class, on every call.

## Why it is bad
Each `sessionmaker` makes a class of its own: 40 to 60 µs for a session, against 9 to 17 µs with a factory that is kept
(measured). Connections are not affected, so it is reported as info.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")

def count():
    with sessionmaker(bind=engine)() as session:
        return session.execute(text("select count(*) from orders")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(bind=engine)

def count():
    with SessionLocal() as session:
        return session.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- The engine is made, passed in or chosen in the function, also in an attribute: one factory for each engine.
- The factory is kept: in a module variable, an attribute, a container, by the caller, by an inner function, or by what
  it is passed to. It is only made where a session that is kept is missing.
- All known callers run once. Tests and migrations.

## Fix safety
`sessionmaker(bind=engine)()` to `Session(bind=engine)` is safe, because both take the same arguments; with `class_` it
is not done. Moving the factory to module level is unsafe, and only done where it reads variables of the module.

## References
- [SQLAlchemy: When do I make a sessionmaker?](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#when-do-i-make-a-sessionmaker)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.lifetimes.registry_sites import Kept
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.wording import as_call
from poollint.rules.pool.exemptions import in_tests, is_repeated, runs_once
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.registry_sites import FactorySite
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL307",
    name="session-factory-per-call",
    summary="A session factory is built on every call of a function",
    severity="info",
    confidence="high",
    fix="safe",
)


_OWN = frozenset({"own", "attribute"})


def built_per_call(site: FactorySite) -> bool:
    """A function builds the factory for itself, on an engine that was there before."""
    if site.is_class or not site.in_function or site.kept is not Kept.LOCAL or site.bound_to in _OWN:
        return False
    return not in_tests(site) and not runs_once(site.frequency)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each factory that is built per call."""
    return [
        kept_verdict(
            METADATA,
            site.span,
            site.symbol,
            f"{as_call(site.spelled)} makes a new class on every call",
            "build the factory once, at module level",
            Severity.INFO,
            entry=site.frequency.entry if is_repeated(site.frequency) else "",
            chain=site.frequency.chain if is_repeated(site.frequency) else (),
            fix_title="Build the factory once",
            fix_applicability="safe" if site.called_here else "unsafe",
            facts=FixFacts("async" if site.is_async else "sync"),
        )
        for site in sites.kept.factories
        if built_per_call(site)
    ]


def fix(target: FixTarget) -> Proposal | Refusal:
    """Makes the session without a factory where it is made in place, else the factory at module level."""
    import libcst as cst

    from poollint.editing.hoisting import Hoisting
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    factory = target.node(cst.Call)
    if factory is None:
        return Refusal("the call is not written out")
    session = tree.parents.get(factory)
    if isinstance(session, cst.Call) and session.func is factory and not session.args and _is_plain(factory):
        module, name = _SESSIONS[target.verdict.facts.kind]
        imported = tree.imports.name_for(module, name, factory)
        is_sure = imported is not None and (not imported.edits or tree.imports.has_package("sqlalchemy", "sqlmodel"))
        if imported is not None and is_sure and tree.text(factory.func).endswith(_MAKERS[target.verdict.facts.kind]):
            inside = tree.text(session)[len(tree.text(factory.func)) : -len("()")].rstrip()
            edits = (*imported.edits, tree.replace(session, imported.name + inside))
            return Proposal("Make the session without a factory", Applicability.SAFE, edits)
    hoisting = Hoisting(tree)
    if not hoisting.is_known_at_top(factory):
        return Refusal("an argument is not a plain variable of the module")
    moved = hoisting.edits(factory, ("SessionLocal", "SessionFactory"))
    if isinstance(moved, Refusal):
        return moved
    group = f"{target.verdict.span.path}: module level"
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, moved, group)


def _is_plain(factory: cst.Call) -> bool:
    """Arguments that a session takes as its factory does."""
    named = [argument.keyword.value for argument in factory.args if argument.keyword is not None]
    places = len(factory.args) - len(named)
    return places <= 1 and not any(argument.star for argument in factory.args) and "class_" not in named


_SESSIONS = {"sync": ("sqlalchemy.orm", "Session"), "async": ("sqlalchemy.ext.asyncio", "AsyncSession")}
_MAKERS = {"sync": "sessionmaker", "async": "async_sessionmaker"}

RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
