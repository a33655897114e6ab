"""## What it does
Finds engines with one connection for all (`StaticPool`), or one for each thread (`SingletonThreadPool`, which SQLite
gets in memory), that requests, events or threads use side by side.

## Why it is bad
With `StaticPool` everybody is in one transaction: a rollback in one request undoes what another one wrote.
`SingletonThreadPool` closes connections that other threads still use when there are more threads than `pool_size`
("Cannot operate on a closed database", measured), and a database in memory is an empty one in each thread ("no such
table", measured).

## Example
```python
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

app = Flask(__name__)
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

@app.get("/orders")
def orders():
    with engine.connect() as connection:
        return str(connection.execute(text("select count(*) from orders")).scalar())
```

## Use instead
```python
from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("sqlite:///file::memory:?cache=shared&uri=true")

@app.get("/orders")
def orders():
    with engine.connect() as connection:
        return str(connection.execute(text("select count(*) from orders")).scalar())
```

## When it stays quiet
- Nothing shows that its users run side by side. Coroutines, for an engine that is not async: they run in one thread.
- A condition decides whether the engine is made; the pool or URL is not constant.
- Each caller has an engine of its own.
- Tests and migrations.

## Fix safety
Which database is meant is for a person to decide, so nothing is edited.

## References
- [SQLAlchemy: Threading/Pooling Behavior of SQLite](https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#threading-pooling-behavior)
- [SQLAlchemy: StaticPool](https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.StaticPool)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.pooling.sites import Storage
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.pool.exemptions import chosen_by_condition, in_tests, is_concurrent, one_for_all
from poollint.rules.pool.reporting import kept_verdict, occasion

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistryUse
    from poollint.program.pooling.sites import PoolSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL310",
    name="single-connection-pool-in-concurrent-code",
    summary="Code that runs side by side shares one connection, or gets a database for each thread",
    severity="warning",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine with a single connection that is used concurrently."""
    found = []
    for pool in sites.pools:
        if not pool.single or not one_for_all(pool) or chosen_by_condition(pool) or in_tests(pool.engine):
            continue
        users = [use for use in pool.uses if is_concurrent(use) and (pool.engine.is_async or not use.coroutine)]
        if users:
            found.append(_verdict(pool, min(users, key=lambda use: use.span)))
    return found


def _verdict(pool: PoolSite, use: RegistryUse) -> Verdict:
    name = pool.pool.rpartition(".")[2]
    in_memory = pool.storage in (Storage.MEMORY, Storage.MODE_MEMORY)
    is_sqlite = in_memory or pool.storage is Storage.FILE
    if name == "StaticPool":
        head = f"every {occasion(use.frequency)} is in the one transaction of this {name}"
    elif in_memory:
        head = f"every thread has an empty database of its own with {name}"
    else:
        head = f"{name} closes connections that other threads use"
    cure = "use a file, or cache=shared" if is_sqlite else "use the default pool"
    return kept_verdict(
        METADATA,
        pool.span,
        pool.symbol,
        head,
        cure,
        entry=use.frequency.entry,
        chain=(*use.frequency.chain, Step(use.span, f"{use.symbol}() uses the engine")),
        fix_title="Use a file, or file::memory:?cache=shared&uri=true" if is_sqlite else "Use the default pool",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
