"""## What it does
Finds engines with `NullPool` that serve the requests of a long-lived process, where nothing in the program speaks of a
pooler such as PgBouncer in front of the server.

## Why it is bad
Each transaction opens a connection: TCP, TLS and authentication, an order of magnitude more than a checkout from a
pool (34 to 78 against 297 to 1437 a second, measured). And nothing bounds them: 50 requests at once are 50 connections.

## Example
```python
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

app = Flask(__name__)
engine = create_engine("postgresql+psycopg2://app@db/app", poolclass=NullPool)

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
engine = create_engine("postgresql+psycopg2://app@db/app")

@app.get("/orders")
def orders():
    with engine.connect() as connection:
        return str(connection.execute(text("select count(*) from orders")).scalar())
```

## When it stays quiet
- It is off by default: there are good reasons for NullPool that no source shows.
- PgBouncer, a pooler or RDS Proxy is mentioned anywhere in the program, also by its usual port.
- Nothing but tasks, jobs and scripts uses the engine, or event loops of their own. SQLite.
- A condition decides whether the engine is made. Tests and migrations.

## Fix safety
Whether the server is meant to be spared or the process forks is for a person to know, so nothing is edited.

## References
- [SQLAlchemy: Switching Pool Implementations](https://docs.sqlalchemy.org/en/20/core/pooling.html#switching-pool-implementations)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.pool.exemptions import (
    behind_a_pooler,
    chosen_by_condition,
    in_tests,
    is_concurrent,
    one_for_all,
    without_server,
)
from poollint.rules.pool.reporting import kept_verdict, occasion

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import RegistryUse
    from poollint.program.pooling.sites import PoolSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL308",
    name="nullpool-on-hot-path",
    summary="Every request opens a connection, because the engine of a server has NullPool",
    severity="info",
    confidence="medium",
    default=False,
    fix="none",
)


def on_hot_path(use: RegistryUse) -> bool:
    """Requests of one process run it side by side, in one event loop at most."""
    contexts = use.frequency.contexts
    return is_concurrent(use) and "request" in contexts and not contexts & {"new_loop", "process"}


def reconnects(pool: PoolSite) -> bool:
    """NullPool, in front of a server and without a pooler between."""
    if not pool.pool.endswith(".NullPool") or not one_for_all(pool) or in_tests(pool.engine):
        return False
    return not (behind_a_pooler(pool) or without_server(pool) or chosen_by_condition(pool))


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine of a server that keeps no connection."""
    found = []
    for pool in sites.pools:
        users = [use for use in pool.uses if on_hot_path(use)] if reconnects(pool) else []
        if users:
            found.append(_verdict(pool, min(users, key=lambda use: use.span)))
    return found


def _verdict(pool: PoolSite, use: RegistryUse) -> Verdict:
    return kept_verdict(
        METADATA,
        pool.span,
        pool.symbol,
        f"NullPool opens a connection for every {occasion(use.frequency)}",
        "use the default pool",
        Severity.INFO,
        Confidence.MEDIUM,
        entry=use.frequency.entry,
        chain=(*use.frequency.chain, Step(use.span, f"{use.symbol}() uses the engine")),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
