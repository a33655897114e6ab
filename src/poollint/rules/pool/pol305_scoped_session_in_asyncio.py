"""## What it does
Finds a thread-local `scoped_session` that an `async def` function uses, and one that is made from a factory of async
sessions.

## Why it is bad
All tasks of an event loop run in one thread, so all of them get the same session: 5 tasks, 1 session (measured). They
commit and roll back each other's work, and the `remove()` of one closes the session that another one waits with. The
clean-up in an `async def` middleware does not reach the sessions of `def` endpoints either, which run in other threads.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

Session = scoped_session(sessionmaker(create_engine("postgresql+psycopg2://app@db/app")))

async def count():
    return Session.execute(text("select count(*) from orders")).scalar()
```

## Use instead
```python
import asyncio

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def count_orders():
    with SessionLocal() as session:
        return session.execute(text("select count(*) from orders")).scalar()

async def count():
    return await asyncio.to_thread(count_orders)
```

## When it stays quiet
- A `scopefunc` is passed that is not the thread's.
- The function closes or removes the session and awaits nothing: no other task runs in between.
- Functions that are not `async def`, also when a coroutine calls them.
- All known callers run once. Tests and migrations.

## Fix safety
Which session a task gets is for a person to decide, so nothing is edited.

## References
- [SQLAlchemy: Using asyncio scoped session](https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-asyncio-scoped-session)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.lifetimes.registry_sites import Kept, MadeFrom, Scoping
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import as_call
from poollint.rules.pool.exemptions import atomic, in_tests, is_repeated, runs_once
from poollint.rules.pool.reporting import kept_verdict, registry_name

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistrySite, RegistryUse
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL305",
    name="scoped-session-in-asyncio",
    summary="All tasks of an event loop share the session of a thread-local registry",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each coroutine that uses a thread-local registry, and for registries of async sessions."""
    found = []
    for site in sites.kept.registries:
        if site.is_async or in_tests(site):
            continue
        if site.made_from is MadeFrom.ASYNC_FACTORY:
            found.append(_of_async_sessions(site))
        elif site.scoping is Scoping.THREAD and site.kept is not Kept.LOCAL:
            found.extend(_in_coroutine(site, use) for use in site.uses if shared_by_tasks(use))
    return found


def shared_by_tasks(use: RegistryUse) -> bool:
    """A coroutine uses the session of its thread, and other tasks run meanwhile."""
    return use.coroutine and not use.in_test and not atomic(use) and not runs_once(use.frequency)


def _of_async_sessions(site: RegistrySite) -> Verdict:
    return kept_verdict(
        METADATA,
        site.span,
        site.symbol,
        f"{as_call(site.spelled)} keeps async sessions by thread, all tasks share one",
        "use async_scoped_session",
        Severity.ERROR if site.scoping is Scoping.THREAD else Severity.WARNING,
    )


def _in_coroutine(site: RegistrySite, use: RegistryUse) -> Verdict:
    return kept_verdict(
        METADATA,
        use.span,
        use.symbol,
        f"{registry_name(site, use.spelled)} gives all tasks of the loop one session",
        "use a session per task",
        Severity.ERROR,
        entry=use.frequency.entry if is_repeated(use.frequency) else "",
        chain=(*use.frequency.chain, Step(site.span, "the registry keeps a session per thread")),
        fix_title="Give each task a session of its own",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
