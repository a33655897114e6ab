"""## What it does
Finds an engine that is made inside a loop or comprehension of the same function.

## Why it is bad
Every pass makes a connection pool and drops the one before, whose connections stay open until the garbage collector
runs. A loop over different databases leaves one idle pool for each of them.

## Example
```python
from sqlalchemy import create_engine, text

def save(rows):
    for row in rows:
        engine = create_engine("postgresql+psycopg2://app@db/app")
        with engine.begin() as connection:
            connection.execute(text("insert into t values (:x)"), {"x": row})
```

## Use instead
```python
from sqlalchemy import create_engine, text

def save(rows):
    engine = create_engine("postgresql+psycopg2://app@db/app")
    try:
        for row in rows:
            with engine.begin() as connection:
                connection.execute(text("insert into t values (:x)"), {"x": row})
    finally:
        engine.dispose()
```

## When it stays quiet
- The engine is stored in a container or attribute, or handed to an owner, in the same pass.
- Every path of the pass disposes of it.
- The loop is a retry loop: its body ends in `break`, `return` or `raise` once the engine works.
- Guards, memoisers, tests, migrations, scripts that end soon, in-memory SQLite.
- NullPool: info. An argument that depends on the loop variable (one engine per database): warning instead of error.

## Fix safety
Making the engine once is unsafe: it is made also when the loop has nothing to do. It goes to module level as with
POL101, or above the loop, which is then put into `try: ... finally: engine.dispose()`. Where an argument depends on the
loop, the rest of the pass is put into such a `try`.

## References
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.findings import Severity
from poollint.program.sites import Step
from poollint.rules.base import FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.disposing import dispose_in_finally, disposing_facts
from poollint.rules.engine.exemptions import disposed_always, exempt_but_for_scripts, null_pool
from poollint.rules.engine.reporting import repeated_severity, unhinted_confidence, verdict
from poollint.rules.engine.sharing import share, sharing_facts
from poollint.rules.engine.wording import call_name, place, sentence

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, Loop, ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL103",
    name="engine-in-loop",
    summary="Each pass of a loop makes an engine",
    severity="error",
    confidence="high",
    fix="unsafe",
)


def dropped_in_loop(site: EngineSite) -> bool:
    """A loop repeats the call, and no pass stores or disposes of the engine."""
    if site.loop is None or site.loop.stored:
        return False
    return not disposed_always(site) and not exempt_but_for_scripts(site)


def message(site: EngineSite, loop: Loop) -> str:
    """What each pass does, and the advice that fits it."""
    head = f"{call_name(site)} runs in each pass of the {loop_name(loop)} at line {loop.span.line}"
    if null_pool(site):
        return sentence(head, "", "NullPool reconnects each time")
    if loop.argument_depends:
        return sentence(head, "", "one idle pool per database stays, dispose of it")
    return sentence(head, "", "create it once above the loop")


def loop_name(loop: Loop) -> str:
    """The kind of the loop in words: "for loop", "comprehension"."""
    named = ("loop", "comprehension", "expression")
    return loop.kind if loop.kind.endswith(named) else f"{loop.kind} loop".lstrip()


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that a loop of its own function repeats."""
    dropped = [site for site in sites.engines if dropped_in_loop(site)]
    return [_verdict(sites, site, site.loop) for site in dropped if site.loop is not None]


def _verdict(sites: ProgramSites, site: EngineSite, loop: Loop) -> Verdict:
    proven = Severity.WARNING if loop.argument_depends else Severity.ERROR
    step = Step(loop.span, f"the {loop_name(loop)} at {place(loop.span)} repeats {call_name(site)}")
    return verdict(
        METADATA,
        site,
        message(site, loop),
        repeated_severity(site, proven),
        unhinted_confidence(site),
        chain=(*site.frequency.chain, step),
        fix_title="Dispose of the engine in each pass" if loop.argument_depends else "Create the engine above the loop",
        fix_applicability="unsafe",
        facts=_facts(sites, site, loop),
    )


def _facts(sites: ProgramSites, site: EngineSite, loop: Loop) -> FixFacts:
    if loop.argument_depends:
        return disposing_facts(site)
    shared, alone = sharing_facts(sites, site), disposing_facts(site)
    names = (*shared.names, ("against moving", alone.name("against")), ("async", alone.name("async")))
    return FixFacts(_ONE_FOR_ALL, names, shared.places)


def fix(target: FixTarget) -> Proposal | Refusal:
    """Disposes of an engine for one database in each pass; makes any other once, at module level or above the loop."""
    import libcst as cst

    from poollint.editing.loops import above_loop
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    facts = target.verdict.facts
    if facts.kind != _ONE_FOR_ALL:
        disposed = dispose_in_finally(target)
        return disposed if isinstance(disposed, Refusal) else replace(disposed, applicability=Applicability.UNSAFE)
    shared, call = share(target), target.node(cst.Call)
    if not isinstance(shared, Refusal) or call is None or facts.name("against moving"):
        return shared
    edits = above_loop(target.tree, call, "dispose", bool(facts.name("async")))
    return shared if isinstance(edits, Refusal) else Proposal(target.verdict.fix_title, Applicability.UNSAFE, edits)


_ONE_FOR_ALL = "one for all"

RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=fix)
