"""## What it does
Finds a `raw_connection()` whose changes nothing commits, one in a `with` block that the project's SQLAlchemy cannot
enter, and (as info) one that some path does not close.

## Why it is bad
The pool rolls back what a raw connection has not committed when it comes back: 0 rows (measured). One that is merely
dropped goes back by reference counting on CPython, and stays out while a traceback holds its frame. Before SQLAlchemy
2.0.47 it is no context manager: `with engine.raw_connection()` raises a TypeError (measured on 1.4.54).

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save():
    raw = engine.raw_connection()
    raw.cursor().execute("insert into orders values (1)")
    raw.close()
```

## Use instead
```python
from contextlib import closing

from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg2://app@db/app")

def save():
    with closing(engine.raw_connection()) as raw:
        raw.cursor().execute("insert into orders values (1)")
        raw.commit()
```

## When it stays quiet
- A commit on some path, a rollback on purpose, `autocommit = True`.
- All that it writes is CREATE, DROP and the like, or the pool was made from a function of the program.
- The connection is returned, stored or passed on.
- Tests and migrations.
- `with` is reported only where the project's files or `sqlalchemy-version` tell a version before 2.0.47.

## Fix safety
A `with closing(...)` block and the commit are suggestions.

## References
- [SQLAlchemy: Working with the DBAPI cursor directly](https://docs.sqlalchemy.org/en/20/core/connections.html#working-with-the-dbapi-cursor-directly)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import place
from poollint.rules.lifetime.exemptions import exempt, handed_over
from poollint.rules.lifetime.reporting import call_name, first_leak, handle_verdict, leak_step, leak_words
from poollint.rules.lifetime.writing import writes_in_vain, written_step

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

_POOLS = "sqlalchemy.pool."

METADATA = Metadata(
    code="POL604",
    name="raw-connection-misuse",
    summary="A raw connection writes without a commit, or is not surely closed",
    severity="warning",
    confidence="high",
    fix="suggestion",
)


def from_a_pool_of_its_own(site: HandleSite) -> bool:
    """`QueuePool(connect).connect()`: the program's own function connects, and decides about autocommit."""
    return site.factory.startswith(_POOLS)


def cannot_be_entered(site: HandleSite, sqlalchemy: Version) -> bool:
    """`with` on a raw connection is a TypeError before 2.0.47."""
    return site.entered and not site.through and sqlalchemy.below(2, 0, 47)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each raw connection that loses what it writes, or that a path leaves open."""
    found = []
    for site in sites.handles:
        if site.kind != "raw_connection" or exempt(site):
            continue
        if cannot_be_entered(site, sites.versions.sqlalchemy):
            found.append(_entered(site))
        elif writes_in_vain(site) and not site.schema_only and not from_a_pool_of_its_own(site):
            found.append(_lost(site))
        elif site.leaks and not handed_over(site):
            found.append(_open(site))
    return found


def _entered(site: HandleSite) -> Verdict:
    return handle_verdict(
        METADATA,
        site,
        f"with {call_name(site)} raises TypeError before SQLAlchemy 2.0.47",
        "use contextlib.closing()",
        Severity.WARNING,
        fix_title="Use it in with closing(...)",
    )


def _lost(site: HandleSite) -> Verdict:
    step = written_step(site)
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} is never committed, what {place(step.span)} writes is rolled back",
        "call commit()",
        Severity.WARNING,
        steps=(step,),
        fix_title="Commit, and close it in a with block",
    )


def _open(site: HandleSite) -> Verdict:
    leak = first_leak(site)
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} is not closed {leak_words(leak)}",
        "use it in with closing(...)",
        Severity.INFO,
        steps=(leak_step(site, leak),),
        fix_title="Close it in a with block",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION)
