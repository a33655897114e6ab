"""## What it does
Finds attributes of an object that are read after the session was committed, in a function that leaves the session so.

## Why it is bad
With the default `expire_on_commit=True` a commit expires every object of the session. The next attribute that is read
runs a SELECT: the session takes a connection again, and "commit at the end" has given nothing back.

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def create(session: Session, user):
    session.add(user)
    session.commit()
    return user.name
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def create(session: Session, user):
    session.add(user)
    session.flush()
    name = user.name
    session.commit()
    return name
```

## When it stays quiet
- It is info and off: shown with `--select POL217`.
- The session is committed, rolled back or closed behind the read, or a `with` block of the function closes it.
- The object is assigned anew, expunged or refreshed in between.
- The program sets `expire_on_commit` anywhere. Async sessions, where the read raises, are POL218.
- A parameter of unknown type counts as a session only where the function calls `add(...)` and `commit()` on it: low
  confidence.

## Fix safety
It is a suggestion: what the caller does with the session is not known here.

## References
- [SQLAlchemy: expire_on_commit](https://docs.sqlalchemy.org/en/20/orm/session_api.html#sqlalchemy.orm.Session.params.expire_on_commit)
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
    code="POL217",
    name="commit-then-read-reopens",
    summary="An attribute that is read after the commit takes a connection again",
    severity="info",
    confidence="medium",
    default=False,
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that is read from behind its commit."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.REOPENED)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"this read after the commit at line {misuse.detail} takes a connection again",
        "read before the commit, or close",
        Severity.INFO,
        Confidence.MEDIUM if misuse.certain else Confidence.LOW,
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
