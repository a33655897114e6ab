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
- Tests and migrations.

## Fix safety
Appending `.all()` is unsafe: callers that build on the query have to change.

## References
- [SQLAlchemy: Closing](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.exemptions import in_migration, in_tests
from poollint.rules.lifetime.reporting import handle_verdict

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites, Span

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
    return [
        _verdict(site, span)
        for site in sites.handles
        if site.kind == "session" and not in_tests(site) and not in_migration(site)
        for span in site.unread_results
    ]


def _verdict(site: HandleSite, span: Span) -> Verdict:
    return handle_verdict(
        METADATA,
        site,
        f"what is returned here is read after {site.name or 'its session'} is closed",
        "read the rows before it closes",
        Severity.WARNING,
        span=span,
        fix_title="Read all rows before they are returned",
        fix_applicability="unsafe",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
