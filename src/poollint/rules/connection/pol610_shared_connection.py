"""## What it does
Finds a connection that is made once for everybody: in a module variable, a class variable or a default argument.

## Why it is bad
A connection belongs to one thread and one transaction: all callers share one transaction that never ends, and the first
lost connection to the database fails them all.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

connection = engine.connect()

def count():
    return connection.execute(text("select count(*) from orders")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def count():
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- A module that also runs as a program (`if __name__ == "__main__"`), or uses it while it is imported: info.
- Tests and migrations.

## Fix safety
One for each call is a suggestion: what relied on the shared transaction has to be looked at.

## References
- [SQLAlchemy: Working with engines and connections](https://docs.sqlalchemy.org/en/20/core/connections.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.exemptions import in_migration, in_tests
from poollint.rules.lifetime.reporting import call_name, handle_verdict
from poollint.rules.lifetime.sharing import SHARED_AS, sharing_severity

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL610",
    name="shared-connection",
    summary="One connection serves all callers and threads",
    severity="warning",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection that everybody shares."""
    return [
        _verdict(site)
        for site in sites.handles
        if site.kind == "connection" and site.shared and not in_tests(site) and not in_migration(site)
    ]


def _verdict(site: HandleSite) -> Verdict:
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} {SHARED_AS[site.shared]} is one connection for all callers and threads",
        "make one for each call",
        sharing_severity(site),
        fix_title="Make one for each call in a with block",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION)
