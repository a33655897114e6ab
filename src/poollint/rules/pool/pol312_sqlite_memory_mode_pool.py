"""## What it does
Finds SQLite URLs with `mode=memory` in an engine without `poolclass`.

## Why it is bad
SQLAlchemy chooses a pool with a single connection because of `mode=memory` alone. From 2.1 on it warns that a later
version will choose a queue of connections for such a URL: with `cache=shared` they share the database, without it each
of them gets an empty one.

## Example
```python
from sqlalchemy import create_engine

engine = create_engine("sqlite:///file:prices?mode=memory&cache=shared&uri=true")
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

engine = create_engine("sqlite:///file:prices?mode=memory&cache=shared&uri=true", poolclass=QueuePool)
```

## When it stays quiet
- `poolclass` or `pool` is given, or may be among arguments that are not spelled out.
- The URL is not constant. The program runs on a version before 2.1.

## Fix safety
QueuePool gives each user a connection of its own, which changes what they see of each other, so nothing is edited.

## References
- [SQLAlchemy: SQLite in-memory databases and their pools](https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-threading-pooling)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.pooling.sites import Storage
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.program.pooling.sites import PoolSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL312",
    name="sqlite-memory-mode-pool",
    summary="The pool of an in-memory SQLite engine is chosen by mode=memory, which is deprecated",
    severity="info",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine whose pool only the URL chooses."""
    if sites.versions.sqlalchemy.below(2, 1):
        return []
    return [_verdict(pool) for pool in sites.pools if chosen_by_mode(pool)]


def chosen_by_mode(pool: PoolSite) -> bool:
    """`mode=memory` in the URL, and no argument that chooses the pool."""
    return pool.storage is Storage.MODE_MEMORY and not pool.chosen and not pool.open_ended


def _verdict(pool: PoolSite) -> Verdict:
    queue = "AsyncAdaptedQueuePool" if pool.engine.is_async else "QueuePool"
    return kept_verdict(
        METADATA,
        pool.span,
        pool.symbol,
        "mode=memory chooses a pool of one connection, which is deprecated",
        f"pass poolclass={queue}",
        Severity.INFO,
        fix_title=f"Pass poolclass={queue}",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
