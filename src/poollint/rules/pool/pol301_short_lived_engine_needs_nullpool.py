"""## What it does
Finds engines with a pool that live for one call and cannot be shared, because the URL is an argument or each call runs
an event loop of its own. Also those of a class that is instantiated again and again with another URL, and, as
information, Alembic's `env.py`.

Another rule about engines mostly reports the same place; then this one is advice inside of it.

## Why it is bad
A pool keeps connections for the next user, and here there is none: the connection stays open, idle, until the garbage
collector finds the engine. With `NullPool` it is closed when the session or connection gives it back.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

def count(tenant_url):
    engine = create_engine(tenant_url)
    with Session(engine) as session:
        return session.execute(text("select count(*) from orders")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

def count(tenant_url):
    engine = create_engine(tenant_url, poolclass=NullPool)
    with Session(engine) as session:
        return session.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- NullPool or another pool is chosen, or may be among arguments that are not spelled out.
- The engine is returned, kept or disposed of on every path. All known callers run once; where only some are known, it
  is information.
- SQLite in memory: with NullPool the data would vanish at each checkout. Tests, migrations other than `env.py`.

## Fix safety
NullPool connects for each transaction, so this is unsafe. `pool_size`, `max_overflow`, `pool_timeout` and
`pool_use_lifo` have to go (POL309), and `NullPool` comes from `sqlalchemy.pool`: SQLModel does not have it.

## References
- [SQLAlchemy: Switching Pool Implementations](https://docs.sqlalchemy.org/en/20/core/pooling.html#switching-pool-implementations)
- [SQLAlchemy: Using multiple asyncio event loops](https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder, Pool
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import in_memory_database, in_tests
from poollint.rules.engine.reporting import assumed_confidence, proven_confidence, verdict
from poollint.rules.engine.short_lived import short_lived
from poollint.rules.engine.wording import call_name, per, sentence, symbol_name
from poollint.rules.pool.null_pool import TITLE, add_null_pool, null_pool_facts

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL301",
    name="short-lived-engine-needs-nullpool",
    summary="An engine that lives for one call has a pool whose connections nobody uses again",
    severity="warning",
    confidence="high",
    fix="unsafe",
)


def in_alembic_environment(site: EngineSite) -> bool:
    """The engine of Alembic's env.py, which serves one run of migrations."""
    is_environment = site.in_migration and site.span.path.rpartition("/")[2] == "env.py"
    return is_environment and site.pool is Pool.DEFAULT and not in_tests(site) and not in_memory_database(site)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine whose pool has no second user."""
    found = []
    for site in sites.engines:
        if short_lived(site):
            found.append(_verdict(site, Severity.INFO if site.frequency.partly_unknown else Severity.WARNING))
        elif in_alembic_environment(site):
            found.append(_verdict(site, Severity.INFO))
    return found


def _verdict(site: EngineSite, severity: Severity) -> Verdict:
    head, entry = f"{call_name(site)} keeps a pool for one run of {symbol_name(site.symbol)}", ""
    if short_lived(site) and site.frequency.known:
        life = "object" if site.holder is Holder.INIT else "call"
        head, entry = f"{call_name(site)} keeps a pool for one {life}, {per(site.frequency)}", site.frequency.entry
    return verdict(
        METADATA,
        site,
        sentence(head, entry, "add poolclass=NullPool"),
        severity,
        proven_confidence(site) if site.frequency.known else assumed_confidence(site),
        fix_title=TITLE,
        fix_applicability="unsafe",
        facts=null_pool_facts(site),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=add_null_pool)
