"""## What it does
Finds a session that is closed, committed or rolled back on one path and left open on another: when a line raises, or
when an early return skips the end.

## Why it is bad
The first exception between the statement and `close()` leaves the connection checked out until the cyclic garbage
collector runs, and longer while a traceback keeps the frame alive. Three failing calls exhaust a pool of 2 + 1
connections (measured), so an error in the data ends as a pool time-out for everybody.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def count():
    session = SessionLocal()
    number = session.execute(text("select count(*) from orders")).scalar()
    session.close()
    return number
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def count():
    session = SessionLocal()
    try:
        return session.execute(text("select count(*) from orders")).scalar()
    finally:
        session.close()
```

## When it stays quiet
- An `__exit__` or `__aexit__` that commits and then closes is reported at the commit; with `finally` it is quiet.
- Only calls that cannot fail in practice stand between the statement and the release: literals, logging, containers.
- `except Exception` or `except SQLAlchemyError` closes or rolls back: what other exceptions skip is not reported.
- The end depends on the same condition as the start (`if own: session.close()`).
- The session is returned, stored, yielded, or passed to code that may keep or close it.
- Tests and migrations. In a script that ends soon it is info.

## Fix safety
`try`/`finally` or a `with` block is safe when the existing `close()` is the last statement of the new block.

## References
- [SQLAlchemy: Closing](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.closing import given_back_sometimes, leaking
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.reporting import (
    first_leak,
    handle_verdict,
    leak_step,
    skipped_words,
    warning_severity,
)

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL202",
    name="session-close-not-guaranteed",
    summary="A path leaves a session open that another path closes",
    severity="warning",
    confidence="high",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that some path does not give back."""
    return [
        _verdict(site, sites.versions.sqlalchemy)
        for site in leaking(sites.handles, "session")
        if given_back_sometimes(site)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    leak = first_leak(site)
    return handle_verdict(
        METADATA,
        site,
        skipped_words(site, leak),
        "close it in finally" if without_with(sqlalchemy) else "close it in finally, or use with",
        warning_severity(site),
        steps=(leak_step(site, leak),),
        fix_title="Close the session in a finally block",
        fix_applicability="safe",
        facts=wrap_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=wrap_in_with)
