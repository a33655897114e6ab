"""## What it does
Finds a session in a module variable that functions in several threads use.

## Why it is bad
A session holds one connection and one transaction, and is not made for two threads at once. They get each other's
uncommitted rows, one rolls back what the other wrote, and sooner or later a thread meets "This session is provisioning
a new connection; concurrent operations are not permitted".

## Example
```python
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))
session = SessionLocal()

def price(number):
    return session.execute(text("select price from orders where id = :id"), {"id": number}).scalar()

with ThreadPoolExecutor(4) as executor:
    print(list(executor.map(price, range(9))))
```

## Use instead
```python
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def price(number):
    with SessionLocal() as session:
        return session.execute(text("select price from orders where id = :id"), {"id": number}).scalar()

with ThreadPoolExecutor(4) as executor:
    print(list(executor.map(price, range(9))))
```

## When it stays quiet
- Nothing shows that the functions run side by side.
- Coroutines: they run in one thread.
- The variable holds a `scoped_session`.
- Tests and migrations.

## Fix safety
Where each thread's session begins and ends is for a person to decide, so nothing is edited.

## References
- [SQLAlchemy: Is the Session thread-safe?](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#is-the-session-thread-safe-is-asyncsession-safe-to-share-in-concurrent-tasks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import clip
from poollint.rules.pool.exemptions import in_tests, is_concurrent
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistryUse
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL302",
    name="thread-shared-session-needs-scoped-session",
    summary="Several threads use the session of a module variable",
    severity="warning",
    confidence="medium",
    fix="suggestion",
)


def of_a_module(handle: HandleSite) -> bool:
    """A session in a module variable: the one that a registry can take the place of."""
    return handle.kind == "session" and handle.at_module_level


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session of a module that threads share, at its first use in one."""
    found = []
    for shared in sites.kept.shared:
        if not of_a_module(shared.handle) or shared.handle.is_async or in_tests(shared.handle):
            continue
        users = [use for use in shared.uses if is_concurrent(use) and not use.coroutine]
        if users:
            found.append(_verdict(shared.handle, min(users, key=lambda use: use.span)))
    return found


def _verdict(handle: HandleSite, use: RegistryUse) -> Verdict:
    return kept_verdict(
        METADATA,
        use.span,
        use.symbol,
        f"threads share the session {clip(handle.name, 30)}",
        "use with, or scoped_session and remove()",
        confidence=Confidence.MEDIUM,
        entry=use.frequency.entry,
        site=handle.span,
        chain=(*use.frequency.chain, Step(handle.span, "the only session that all threads use")),
        fix_title="Give each thread a session of its own",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION)
