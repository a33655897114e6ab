"""## What it does
Finds a connection that is closed on one path and left open on another: when a line raises, or when an early return
skips the end.

## Why it is bad
The first exception between `connect()` and `close()` leaves the connection checked out until the cyclic garbage
collector runs, and longer while a traceback keeps the frame alive: an error in the data ends as a pool time-out for
everybody.

## Example
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def count():
    connection = engine.connect()
    number = connection.execute(text("select count(*) from orders")).scalar()
    connection.close()
    return number
```

## Use instead
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def count():
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- An `__exit__` or `__aexit__` that commits and then closes is reported at the commit; with `finally` it is quiet.
  Where that method tests the connection first (`if self.connection:`), the other path has none.
- Only calls that cannot fail in practice stand between the statement and the release: literals, logging, containers.
- `except Exception` or `except SQLAlchemyError` closes or rolls back: what other exceptions skip is not reported.
- The end depends on the same condition as the start (`if own: connection.close()`).
- The connection is returned, stored, yielded, or passed to code that may keep or close it.
- Tests and migrations. In a script that ends soon it is info.

## Fix safety
`try`/`finally` or a `with` block is safe when the existing `close()` is the last statement of the new block.

## References
- [SQLAlchemy: Working with engines and connections](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.closing import given_back_sometimes, leaking
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.releases import connection_severity, leak_that_stays
from poollint.rules.lifetime.reporting import (
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
    code="POL602",
    name="connection-close-not-guaranteed",
    summary="A path leaves a connection open that another path closes",
    severity="warning",
    confidence="high",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection that some path does not give back."""
    return [
        _verdict(site, sites.versions.sqlalchemy)
        for site in leaking(sites.handles, "connection")
        if given_back_sometimes(site)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    leak = leak_that_stays(site, sqlalchemy)
    return handle_verdict(
        METADATA,
        site,
        skipped_words(site, leak),
        "close it in finally, or use with",
        connection_severity(warning_severity(site), sqlalchemy),
        steps=(leak_step(site, leak),),
        fix_title="Close the connection in a finally block",
        fix_applicability="safe",
        facts=wrap_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION, fixer=wrap_in_with)
