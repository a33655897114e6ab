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
- It is an error where handlers, threads or tasks are proven to use the connection side by side, else a warning. A
  coroutine counts only where it awaits between its statements, or where the connection is an async one.
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
from poollint.rules.lifetime.sharing import shared_handles

if TYPE_CHECKING:
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL610",
    name="shared-connection",
    summary="One connection serves all callers and threads",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection that everybody shares."""
    return shared_handles(METADATA, sites, "connection")


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION)
