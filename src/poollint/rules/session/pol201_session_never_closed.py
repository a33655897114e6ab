"""## What it does
Finds a session that runs a statement and is left to the garbage collector: no path commits, rolls back or closes it.

## Why it is bad
A session takes a connection at its first statement, a plain SELECT included, and keeps it until commit, rollback or
close. A dropped session is not freed by its reference count, because it and its transaction refer to each other: ten
calls leave ten connections checked out until the cyclic garbage collector runs (measured on SQLAlchemy 2.0 and 2.1 with
psycopg2, psycopg and SQLite). With the default pool of 5 + 10 connections, the sixteenth call waits 30 seconds and
fails.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def name_of(user_id):
    session = SessionLocal()
    return session.execute(text("select name from users where id = :id"), {"id": user_id}).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def name_of(user_id):
    with SessionLocal() as session:
        return session.execute(text("select name from users where id = :id"), {"id": user_id}).scalar()
```

## When it stays quiet
- The session is returned, stored, yielded, or passed to code that may keep or close it: its owner is judged instead.
- An attribute of an object counts where the class never ends what it runs, and every object stays in the function that
  makes it, or in Flask's `g`, again and again.
- No statement runs on it, or every path ends in commit or rollback (POL203).
- It comes from a scoped_session, or is bound to a connection that somebody else opened; its factory may be bound, too.
- Tests and migrations. In a script that ends soon it is info.
- It is an error where the function is known to run again and again, else a warning.

## Fix safety
A `with` block around the uses is safe when nothing that belongs to the session leaves the block. Before SQLAlchemy 1.4
a session is no context manager: there it is `with contextlib.closing(...)`. A session that the caller may give
(`if session is None: session = Session()`) is closed in `finally` where it was made here. What is written and never
committed gets a block that commits (`begin()`), which is unsafe.

## References
- [SQLAlchemy: Opening and closing a session](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#opening-and-closing-a-session)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.closing import leaking, never_given_back
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.reporting import (
    call_name,
    first_leak,
    handle_verdict,
    held_severity,
    kept_verdict,
    leak_step,
)

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL201",
    name="session-never-closed",
    summary="A session that runs a statement is never closed",
    severity="error",
    confidence="high",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that nothing gives back."""
    return [
        _verdict(site, sites.versions.sqlalchemy)
        for site in leaking(sites.handles, "session")
        if never_given_back(site)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    if site.kept_by_object:
        return kept_verdict(METADATA, site, held_severity(site))
    head = f"{call_name(site)} is never closed, its connection stays checked out"
    return handle_verdict(
        METADATA,
        site,
        head,
        "use contextlib.closing()" if without_with(sqlalchemy) else "use it in a with block",
        held_severity(site),
        steps=(leak_step(site, first_leak(site)),),
        fix_title=f"Use the session in a {'closing()' if without_with(sqlalchemy) else 'with'} block",
        fix_applicability="safe",
        facts=wrap_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=wrap_in_with)
