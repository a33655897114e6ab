"""## What it does
Finds a Query or Result that is returned out of the `with` block or past the `close()` of its session.

## Why it is bad
A Query runs when it is iterated: the closed session opens again and its connection stays out (measured). A Result that
is read after the close raises.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def orders(Order):
    with SessionLocal() as session:
        return session.query(Order).filter(Order.open)
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def orders(Order):
    with SessionLocal() as session:
        return session.query(Order).filter(Order.open).all()
```

## When it stays quiet
- It is read before it leaves: `all()`, `first()`, `one()`, `scalar()`, `fetchall()`, `list(...)`.
- The statement is known to write: its row count stays readable.
- An awaited `execute()` of an async session or connection, which reads all rows at once.
- All known callers drop it.
- Tests and migrations.

## Fix safety
Appending `.all()` is unsafe: callers that build on the query have to change.

## References
- [SQLAlchemy: Closing](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.results import read_all, unread_results

if TYPE_CHECKING:
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL211",
    name="lazy-result-escapes-session",
    summary="A query or result is returned and its session is closed",
    severity="warning",
    confidence="high",
    fix="unsafe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each result that leaves unread."""
    return unread_results(METADATA, sites, "session")


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=read_all)
