"""## What it does
Finds a session that is made once for everybody: in a module variable, a class variable or a default argument.

## Why it is bad
A session belongs to one thread and one transaction. Six threads on one session: five of six fail (measured). One failed
flush fails everybody, and the connection is held for ever.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

session = SessionLocal()

def count():
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
        return session.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- It is an error where handlers, threads or tasks are proven to use the session side by side, else a warning. A
  coroutine counts only where it awaits between its statements, or where the session is an async one.
- The registry of a scoped_session: each thread gets a session of its own.
- A module that also runs as a program (`if __name__ == "__main__"`), or uses it while it is imported: info.
- Tests and migrations.

## Fix safety
One for each call is a suggestion: what relied on the shared transaction has to be looked at.

## References
- [SQLAlchemy: Is the Session thread-safe?](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#is-the-session-thread-safe-is-asyncsession-safe-to-share-in-concurrent-tasks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.sharing import shared_handles

if TYPE_CHECKING:
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL208",
    name="shared-session",
    summary="One session serves all callers and threads",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that everybody shares."""
    return shared_handles(METADATA, sites, "session")


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION)
