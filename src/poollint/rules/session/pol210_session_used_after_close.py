"""## What it does
Finds a call on a session after its `close()` or after its `with` block, also `close()` before `commit()`.

## Why it is bad
close() resets the session; the next statement opens it again without a word, takes a connection, and nothing gives that
one back. A commit behind close() saves nothing: the change was rolled back.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def count():
    with SessionLocal() as session:
        session.execute(text("select 1"))
    return session.execute(text("select count(*) from orders")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def count():
    with SessionLocal() as session:
        session.execute(text("select 1"))
        return session.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- Some path reaches the call with the session still open, as in a loop that closes it at the end of each pass.
- `close()`, `rollback()`, `add()`, `expunge()` and the like, which take no connection.
- The registry of a scoped_session, tests and migrations.

## Fix safety
Moving the call into the block is a suggestion.

## References
- [SQLAlchemy: Closing](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.exemptions import exempt
from poollint.rules.lifetime.reporting import handle_verdict

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL210",
    name="session-used-after-close",
    summary="A session is used again after it was closed",
    severity="warning",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that is opened again by accident."""
    return [
        _verdict(site)
        for site in sites.handles
        if site.kind == "session" and site.used_after_close and not exempt(site)
    ]


def _verdict(site: HandleSite) -> Verdict:
    return handle_verdict(
        METADATA,
        site,
        f"{site.name or 'the session'} is closed before this call, which opens it again and leaves it open",
        "move it before the close",
        Severity.WARNING,
        span=site.used_after_close[0],
        fix_title="Move the call into the block",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION)
