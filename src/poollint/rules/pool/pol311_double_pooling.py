"""## What it does
Finds engines whose `creator` (or `async_creator`) takes connections from a pool of the driver, such as psycopg's
`ConnectionPool.getconn`, while SQLAlchemy keeps them in a pool of its own.

## Why it is bad
Two pools hold the same connections. SQLAlchemy's queue keeps them checked out of the driver's pool for good: that one
neither checks nor replaces them, its own limit counts for nothing, and other users of it find it empty.

## Example
```python
import psycopg_pool
from sqlalchemy import create_engine

pool = psycopg_pool.ConnectionPool("postgresql://app@db/app", close_returns=True)
engine = create_engine("postgresql+psycopg://", creator=pool.getconn)
```

## Use instead
```python
import psycopg_pool
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

pool = psycopg_pool.ConnectionPool("postgresql://app@db/app", close_returns=True)
engine = create_engine("postgresql+psycopg://", creator=pool.getconn, poolclass=NullPool)
```

## When it stays quiet
- The creator opens a connection of its own, or nothing is known of it.
- The engine has NullPool or another pool without a queue, or may get one from arguments that are not spelled out.
- Tests.

## Fix safety
NullPool leaves the pooling to the driver, which has other limits and checks, so this is unsafe. Sizes that are given
for SQLAlchemy's pool have to go.

## References
- [SQLAlchemy: Using psycopg connection pooling](https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#using-psycopg-connection-pooling)
- [SQLAlchemy: Connection pooling with python-oracledb](https://docs.sqlalchemy.org/en/20/dialects/oracle.html#connection-pooling)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import clip
from poollint.rules.pool.null_pool import TITLE, add_null_pool, null_pool_facts
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.program.pooling.sites import PoolSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL311",
    name="double-pooling",
    summary="The connections of a driver's pool are kept in a second pool",
    severity="warning",
    confidence="high",
    fix="unsafe",
)

_QUEUES = frozenset({"sqlalchemy.pool.QueuePool", "sqlalchemy.pool.AsyncAdaptedQueuePool"})


def keeps_connections(pool: PoolSite) -> bool:
    """The engine has a queue: it is named, or nothing else is."""
    return pool.pool in _QUEUES if pool.chosen else not pool.open_ended


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine with a queue of connections out of another pool."""
    return [
        kept_verdict(
            METADATA,
            pool.span,
            pool.symbol,
            f"two pools hold the connections that {clip(pool.lender, 50)}() lends",
            "add poolclass=NullPool",
            fix_title=TITLE,
            fix_applicability="unsafe",
            facts=null_pool_facts(pool.engine),
        )
        for pool in sites.pools
        if pool.lender and keeps_connections(pool) and not pool.engine.in_test
    ]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=add_null_pool)
