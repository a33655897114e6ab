"""## What it does
Finds a session or connection that is passed to threads or tasks, or captured by their function, while they or its
maker use it at the same time: `submit(work, session)` in a loop, a callback that uses a session of `main()`.

## Why it is bad
A session belongs to one thread, an AsyncSession to one task. Six threads on one session: five of six fail with "This
session is provisioning a new connection" (measured), or their statements end up in each other's transaction.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

from concurrent.futures import ThreadPoolExecutor

def work(session, number):
    return session.execute(text("select 1")).scalar()

def run():
    with SessionLocal() as session, ThreadPoolExecutor(4) as pool:
        return [pool.submit(work, session, number) for number in range(9)]
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

from concurrent.futures import ThreadPoolExecutor

def work(number):
    with SessionLocal() as session:
        return session.execute(text("select 1")).scalar()

def run():
    with ThreadPoolExecutor(4) as pool:
        return [pool.submit(work, number) for number in range(9)]
```

## When it stays quiet
- A session that an object keeps is reported where threads are given a bound method of one object; a method that takes a
  lock around its work is not.
- The maker waits at once: `await asyncio.to_thread(work, session)`, `submit(...).result()`, `join()`.
- The session is made anew for each thread, or it is the registry of a scoped_session.
- One thread gets the session and nothing in the maker closes it.
- Tests and migrations.

## Fix safety
Making the session inside of the callable is a suggestion: pass ids, not rows.

## References
- [SQLAlchemy: Is the Session thread-safe?](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#is-the-session-thread-safe-is-asyncsession-safe-to-share-in-concurrent-tasks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses

if TYPE_CHECKING:
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL209",
    name="session-crosses-thread-or-task",
    summary="One session or connection is used by several threads or tasks",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each hand-over."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.CROSSES_THREADS)]


def _verdict(misuse: Misuse) -> Verdict:
    kind = "session" if misuse.detail == "session" else "connection"
    return misuse_verdict(
        METADATA,
        misuse,
        f"{misuse.spelled} is one {kind} that several threads or tasks use at once",
        f"make the {kind} inside of the callable",
        Severity.ERROR,
        fix_title="Make it inside of the callable",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
