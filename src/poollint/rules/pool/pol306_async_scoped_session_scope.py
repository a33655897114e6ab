"""## What it does
Finds an `async_scoped_session` without `scopefunc`, with one that is the same for all tasks (the thread, the loop, a
constant), and one for each task that nothing removes.

## Why it is bad
Without `scopefunc` the call raises TypeError. A scope that all tasks share gives them one session. With `current_task`
the registry is a dict that holds each session until `await registry.remove()`: 6 finished tasks leave 6 sessions and 6
connections for ever (measured).

## Example
```python
from asyncio import current_task

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)
Session = async_scoped_session(factory, scopefunc=current_task)

async def count():
    return await Session.scalar(text("select count(*) from orders"))
```

## Use instead
```python
from asyncio import current_task

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)
Session = async_scoped_session(factory, scopefunc=current_task)

async def count():
    try:
        return await Session.scalar(text("select count(*) from orders"))
    finally:
        await Session.remove()
```

## When it stays quiet
- Something outside of the tests removes or closes its sessions.
- Nothing uses it, or it is passed to code that nothing is known of.
- Tests and migrations.

## Fix safety
Where the task ends is for a person to decide, so nothing is edited.

## References
- [SQLAlchemy: Using asyncio scoped session](https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-asyncio-scoped-session)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.lifetimes.registry_sites import Scoping
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import as_call
from poollint.rules.pool.exemptions import handed_on, in_tests
from poollint.rules.pool.reporting import kept_verdict, registry_name

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistrySite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL306",
    name="async-scoped-session-scope",
    summary="An async_scoped_session has the wrong scope, or nothing removes its sessions",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each async registry with the wrong scope or without an end."""
    found = []
    for site in sites.kept.registries:
        if not site.is_async or in_tests(site):
            continue
        if site.scoping is Scoping.MISSING:
            found.append(_verdict(site, f"{as_call(site.spelled)} raises TypeError", "pass scopefunc=current_task"))
        elif site.scoping in (Scoping.THREAD, Scoping.SHARED):
            head = f"{registry_name(site)} gives all tasks of the loop one session"
            found.append(_verdict(site, head, "pass scopefunc=current_task"))
        elif never_removed(site):
            head = f"{registry_name(site)} keeps the session of every task for ever"
            found.append(_verdict(site, head, "await remove() when the task ends"))
    return found


def never_removed(site: RegistrySite) -> bool:
    """Tasks use it, and nothing in the program ends their sessions."""
    used = any(use.takes and not use.in_test for use in site.uses)
    return used and not site.removals and not handed_on(site)


def _verdict(site: RegistrySite, head: str, advice: str) -> Verdict:
    return kept_verdict(METADATA, site.span, site.symbol, head, advice, Severity.ERROR)


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
