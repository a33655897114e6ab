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
Moving the call above the loop is unsafe: it runs once, and also when the loop has nothing to do. It is not offered when
an argument depends on the loop.

## References
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Step
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import disposed_always, exempt_but_for_scripts, null_pool
from poollint.rules.engine.reporting import repeated_severity, unhinted_confidence, verdict
from poollint.rules.engine.wording import call_name, place, sentence

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, Loop, ProgramSites

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
    return [_verdict(site, site.loop) for site in sites.engines if site.loop is not None and dropped_in_loop(site)]


def _verdict(site: EngineSite, loop: Loop) -> Verdict:
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
        fix_applicability="display" if loop.argument_depends else "unsafe",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
