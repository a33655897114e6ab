"""## What it does
Finds a Result that is returned out of the `with` block or past the `close()` of its connection.

## Why it is bad
It works by luck where the driver has buffered all rows. With server-side cursors, streaming and asyncpg it fails, or
reads what the next user of the connection asked for.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def orders():
    with engine.connect() as connection:
        return connection.execute(text("select * from orders"))
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def orders():
    with engine.connect() as connection:
        return connection.execute(text("select * from orders")).all()
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
- [SQLAlchemy: Result](https://docs.sqlalchemy.org/en/20/core/connections.html#sqlalchemy.engine.Result)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.results import read_all, unread_results

if TYPE_CHECKING:
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL611",
    name="result-escapes-connection",
    summary="A result is returned and its connection is closed",
    severity="warning",
    confidence="high",
    fix="unsafe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each result that leaves unread."""
    return unread_results(METADATA, sites, "connection")


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=read_all)
