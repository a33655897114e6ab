"""## What it does
Finds a connection that executes a statement and that nothing closes, commits or rolls back on any path.

## Why it is bad
From SQLAlchemy 2.0 on, a dropped Connection that has executed something is not freed by its reference count: it and
the transaction that began with the statement refer to each other. It stays checked out until the cyclic garbage
collector runs; three calls exhaust a pool of 2 + 1 (measured). On 1.4 this holds after an exception.

## Example
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def version():
    connection = engine.connect()
    return connection.execute(text("select version()")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def version():
    with engine.connect() as connection:
        return connection.execute(text("select version()")).scalar()
```

## When it stays quiet
- The connection is returned, stored, yielded, or passed to code that may keep or close it.
- No statement runs on it: a dropped Connection that did nothing goes back at once.
- Tests and migrations. In a script that ends soon it is info.
- It is an error where the function is known to run again and again, else a warning; never more than a warning where the
  project runs on SQLAlchemy 1.x.

## Fix safety
A `with` block around the uses is safe when no result that still reads from the connection leaves the block.

## References
- [SQLAlchemy: Working with engines and connections](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.closing import leaking, never_given_back
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.releases import connection_severity, leak_that_stays
from poollint.rules.lifetime.reporting import (
    call_name,
    handle_verdict,
    held_severity,
    kept_verdict,
    leak_step,
    leak_words,
)

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL601",
    name="connection-never-closed",
    summary="A connection that runs a statement is never closed",
    severity="error",
    confidence="high",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection that nothing gives back."""
    return [
        _verdict(site, sites.versions.sqlalchemy)
        for site in leaking(sites.handles, "connection")
        if never_given_back(site) and not (site.chained and not site.name)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    if site.kept_by_object:
        return kept_verdict(METADATA, site, connection_severity(held_severity(site), sqlalchemy))
    leak = leak_that_stays(site, sqlalchemy)
    when = ""
    if sqlalchemy.below(2, 0):
        when = f" {leak_words(leak)}" if leak.how == "raise" else " from SQLAlchemy 2.0 on"
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} is never closed, it stays checked out{when}",
        "use it in a with block",
        connection_severity(held_severity(site), sqlalchemy),
        steps=(leak_step(site, leak),),
        fix_title="Use the connection in a with block",
        fix_applicability="safe",
        facts=wrap_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION, fixer=wrap_in_with)
