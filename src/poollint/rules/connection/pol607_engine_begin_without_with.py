"""## What it does
Finds `connection = engine.begin()` and a bare `engine.begin()` that no `with` block enters.

## Why it is bad
Since SQLAlchemy 1.4 it gives a context manager: no connection is checked out and nothing is begun until it is entered
(measured), and the object has no `execute()`.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save(statement):
    connection = engine.begin()
    connection.execute(statement)
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save(statement):
    with engine.begin() as connection:
        connection.execute(statement)
```

## When it stays quiet
- The variable is used in a `with`, entered by hand, assigned to another one or passed on.
- `return engine.begin()`: the caller enters it.
- Tests and migrations.
- It is a warning where the project runs on SQLAlchemy 1.x: there the call takes a connection, which stays checked out
  (measured: three calls, three connections).

## Fix safety
The `with` block is a suggestion: where it ends is a choice.

## References
- [SQLAlchemy: Connect and begin once from the engine](https://docs.sqlalchemy.org/en/20/core/connections.html#connect-and-begin-once-from-the-engine)
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
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL607",
    name="engine-begin-without-with",
    summary="A context manager from engine.begin() that no with block enters",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each begin() that nothing enters."""
    return [_verdict(each, sites.versions.sqlalchemy) for each in misuses(sites, MisuseKind.BEGIN_WITHOUT_WITH)]


def _verdict(misuse: Misuse, sqlalchemy: Version) -> Verdict:
    if sqlalchemy.below(2, 0):
        head, severity = f"{misuse.spelled}() takes a connection that no with block gives back", Severity.WARNING
    else:
        head, severity = f"{misuse.spelled}() begins nothing until a with block enters it", Severity.ERROR
    return misuse_verdict(
        METADATA,
        misuse,
        head,
        "use it in a with block",
        severity,
        fix_title="Enter it in a with block",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION)
