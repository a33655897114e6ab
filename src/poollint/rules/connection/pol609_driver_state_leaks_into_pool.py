"""## What it does
Finds changes of the driver's connection below the pool: `connection.connection.set_isolation_level(...)`,
`connection.connection.dbapi_connection.autocommit = True`.

## Why it is bad
The pool resets transactions, not settings: the next user of the connection gets autocommit too (measured). What
`execution_options(isolation_level=...)` sets is taken back.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def vacuum():
    with engine.connect() as connection:
        connection.connection.dbapi_connection.autocommit = True
        connection.exec_driver_sql("VACUUM")
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def vacuum():
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
```

## When it stays quiet
- The function sets it back, detaches or invalidates the connection, or disposes of the engine.
- The file uses NullPool.
- The function makes the engine, hands it to nobody and takes no further connection of it.
- A listener of the pool's `connect` event, which is meant for all connections.
- Tests and migrations.

## Fix safety
`execution_options(isolation_level=...)` is a suggestion: it has to stand before the first statement.

## References
- [SQLAlchemy: Setting transaction isolation levels](https://docs.sqlalchemy.org/en/20/core/connections.html#setting-transaction-isolation-levels-including-dbapi-autocommit)
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
    code="POL609",
    name="driver-state-leaks-into-pool",
    summary="A setting of the driver's connection goes back into the pool with it",
    severity="warning",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each setting that stays."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.DRIVER_STATE)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"the next user of this pooled connection inherits {misuse.detail}",
        "use execution_options(isolation_level=...)",
        Severity.WARNING,
        fix_title="Set the isolation level with execution_options",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
