"""## What it does
Finds a session that a dependency or caller owns and that is passed to `BackgroundTasks.add_task`, or to a thread that
nobody waits for.

## Why it is bad
The owner closes it when the request ends. In FastAPI 0.106-0.117 that is before the task runs: the task opens the
session again and nobody closes it (measured); in other versions the connection is held until the task is done.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

from fastapi import BackgroundTasks, Depends, FastAPI

app = FastAPI()

def get_db():
    with SessionLocal() as db:
        yield db

def job(db):
    db.execute(text("select 1"))

@app.post("/")
def start(tasks: BackgroundTasks, db=Depends(get_db)):
    tasks.add_task(job, db)
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

from fastapi import BackgroundTasks, FastAPI

app = FastAPI()

def job():
    with SessionLocal() as db:
        db.execute(text("select 1"))

@app.post("/")
def start(tasks: BackgroundTasks):
    tasks.add_task(job)
```

## When it stays quiet
- The task is given ids or plain values and opens a session of its own.
- The function waits for the thread or task.
- Tests and migrations.
- It is an error for a background task where the project runs on FastAPI 0.106-0.117, else a warning.

## Fix safety
Opening a session in the task is a suggestion: rows that it is given have to be loaded again.

## References
- [FastAPI: Dependencies with yield and background tasks](https://fastapi.tiangolo.com/advanced/advanced-dependencies/)
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
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL215",
    name="session-escapes-to-background-task",
    summary="The session of a request is given to work that outlives the request",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def is_closed_before_the_task(misuse: Misuse, fastapi: Version) -> bool:
    """FastAPI 0.106-0.117 ends the dependencies of a request before its background tasks run."""
    return misuse.after_response and misuse.certain and fastapi.at_least(0, 106) and fastapi.below(0, 118)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that leaves with a task."""
    return [_verdict(each, sites.versions.fastapi) for each in misuses(sites, MisuseKind.BACKGROUND)]


def _verdict(misuse: Misuse, fastapi: Version) -> Verdict:
    closed = is_closed_before_the_task(misuse, fastapi)
    if closed:
        head = f"{misuse.spelled} is closed before {misuse.detail}() runs the task, which opens it again"
    else:
        head = f"{misuse.spelled} belongs to the request, and the work given to {misuse.detail}() outlives it"
    return misuse_verdict(
        METADATA,
        misuse,
        head,
        "open a session in the task",
        Severity.ERROR if closed else Severity.WARNING,
        Confidence.HIGH if misuse.certain else Confidence.MEDIUM,
        fix_title="Open a session in the task",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
