"""## What it does
Finds an engine that is made in a function whose callers poollint does not know, where nobody outside can hold the
engine or dispose of it: it is used there and dropped, or it leaves only inside the session, sessionmaker or
connection that the function returns.

## Why it is bad
If the function runs more than once, each run makes a connection pool that stays until the garbage collector finds it.
The function alone shows the fault: whatever its callers do, they cannot reach the engine to reuse it or to dispose
of it. See POL101 for what that costs.

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

def get_db_session():
    engine = create_engine("postgresql+psycopg2://app@db/app", pool_recycle=10)
    return sessionmaker(bind=engine)()
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app", pool_recycle=10)
SessionLocal = sessionmaker(bind=engine)

def get_db_session():
    return SessionLocal()
```

## When it stays quiet
- Callers are known: POL101 reports the repeated ones, the others are fine.
- The engine itself is returned, yielded, stored or passed to an owner, or an inner function that uses it is returned:
  info, because its owner decides. A plain builder (`def make(url): return create_engine(url)`) is not reported at all,
  unless all known callers drop what it gives.
- Every path disposes of the engine.
- NullPool: info. So are callers of which some run once and some are functions that nobody is known to call.
- Guards, memoisers, tests, migrations, scripts that end soon, in-memory SQLite; private functions that nobody calls.
- A guard that fills a local instead of the name that it tests is no guard.

## Fix safety
None is offered beyond the advice: without callers poollint cannot show that an engine at module level is right.

## References
- [SQLAlchemy: Engine basic usage](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder, Release, Step
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    builder_for_callers,
    disposed_always,
    escapes_to_owner,
    exempt,
    frequency_is_settled,
    null_pool,
    stored_per_database,
    unreferenced_private,
)
from poollint.rules.engine.reporting import assumed_confidence, verdict
from poollint.rules.engine.wording import (
    call_name,
    keep_once,
    place,
    remedy_title,
    sentence,
    skipped_words,
    symbol_name,
)

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL102",
    name="engine-in-function",
    summary="A function with unknown callers makes an engine that nobody outside can reuse or dispose of",
    severity="warning",
    confidence="medium",
    fix="suggestion",
)


def built_in_function(site: EngineSite) -> bool:
    """A function with unknown callers makes the engine, and no exemption holds."""
    return (
        site.holder is Holder.FUNCTION
        and not frequency_is_settled(site)
        and not unreferenced_private(site)
        and not builder_for_callers(site)
        and not disposed_always(site)
        and not stored_per_database(site)
        and not exempt(site)
    )


def severity(site: EngineSite) -> Severity:
    """Warning only where the function alone shows the fault."""
    if site.frequency.partly_unknown:
        return Severity.INFO
    if null_pool(site) or site.hidden:
        return Severity.INFO
    if site.dead_guard:
        return Severity.WARNING
    return Severity.INFO if escapes_to_owner(site) else Severity.WARNING


def message(site: EngineSite) -> str:
    """What each call does and what to do about it."""
    head = f"each call of {symbol_name(site.symbol)} runs {call_name(site)}"
    if site.release is Release.HAPPY_PATH:
        skipped = skipped_words(site)
        if site.dispose_span is not None and not site.leaks:
            skipped += f" at {place(site.dispose_span)}"
        return sentence(f"{head}, {skipped}", "", "move it into finally")
    return sentence(head, "", keep_once(site))


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine of a function with unknown callers."""
    return [
        verdict(
            METADATA,
            site,
            message(site),
            severity(site),
            assumed_confidence(site),
            chain=_chain(site),
            fix_title=_fix_title(site),
        )
        for site in sites.engines
        if built_in_function(site)
    ]


def _chain(site: EngineSite) -> tuple[Step, ...]:
    """A caller's `dispose()`, where that is the one that is skipped."""
    if site.release is Release.HAPPY_PATH and site.dispose_span is not None and not site.leaks:
        return (Step(site.dispose_span, "an exception skips this dispose()"),)
    return ()


def _fix_title(site: EngineSite) -> str:
    return "Move dispose() into a finally block" if site.release is Release.HAPPY_PATH else remedy_title(site)


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
