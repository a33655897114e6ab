"""## What it does
Finds an `except` block that catches the failure of `commit()` or `flush()` and neither rolls back nor closes, while
the session is used again: in the handler itself, behind it, or in the next pass of a loop.

## Why it is bad
After a failed flush the session refuses every statement with PendingRollbackError until `rollback()` is called, and its
connection stays checked out. In a loop the first bad row makes all later rows fail; in a handler the second error
hides the first one.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save_all(rows):
    with SessionLocal() as session:
        for row in rows:
            try:
                session.add(row)
                session.commit()
            except Exception:
                print("skipped")
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save_all(rows):
    with SessionLocal() as session:
        for row in rows:
            try:
                session.add(row)
                session.commit()
            except Exception:
                session.rollback()
                print("skipped")
```

## When it stays quiet
- The handler rolls back, closes or removes, itself or through a function that it calls or passes the session to.
- The handler raises or returns, and does not use the session before.
- The handler is for something else than errors of the database, or `begin_nested()` stands around the statement.
- The session is made in the `try` block, or anew in each pass of the loop.
- Tests and migrations.

## Fix safety
`rollback()` as the first statement of the handler is safe: nothing of the failed transaction can be saved any more.

## References
- [SQLAlchemy: This Session's transaction has been rolled back](https://docs.sqlalchemy.org/en/20/faq/sessions.html#this-session-s-transaction-has-been-rolled-back-due-to-a-previous-exception-during-flush-or-similar)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses

if TYPE_CHECKING:
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL207",
    name="error-swallowed-without-rollback",
    summary="A failed commit or flush is caught and the session goes on without a rollback",
    severity="warning",
    confidence="medium",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each handler that leaves a failed transaction in use."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.SWALLOWED, MisuseKind.USED_IN_HANDLER)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"line {misuse.detail} uses {misuse.spelled} after a failure that this except block does not roll back",
        "call rollback() first",
        Severity.WARNING,
        Confidence.MEDIUM,
        fix_title="Roll back at the start of the handler",
        fix_applicability="safe",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
