"""## What it does
Finds a call that waits for something outside of the program (HTTP, a language model, an object store, a subprocess, a
pause) while a session or connection holds a connection of the pool: a statement has run, and no commit, rollback or
close stands in between. Functions of the program that the call goes through are followed.

## Why it is bad
The connection is idle in transaction for as long as the other side takes. With tasks of 20 seconds, a pool of 10 serves
one task every two seconds, whatever the number of workers: the others block and fail with TimeoutError after 30
seconds. On the server an open transaction keeps its locks and stops vacuum.

## Example
```python
import requests
from celery import Celery
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

app = Celery("app")
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

@app.task
def notify(number):
    with SessionLocal() as session:
        url = session.execute(text("select url from hooks where id = :n"), {"n": number}).scalar()
        requests.post(url, timeout=60)
```

## Use instead
```python
import requests
from celery import Celery
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

app = Celery("app")
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

@app.task
def notify(number):
    with SessionLocal() as session:
        url = session.execute(text("select url from hooks where id = :n"), {"n": number}).scalar()
    requests.post(url, timeout=60)
```
Where the session belongs to the request, read what is needed and `commit()` or `close()` it before the call; with
`expire_on_commit` an attribute that is read after the commit takes a connection again, so copy it first.

## When it stays quiet
- A commit, rollback or close on some way from the statement to the call. The end of `with app.app_context():` removes
  the session of Flask-SQLAlchemy.
- No statement has run yet: a session without one holds no connection.
- The same session is reported as never closed or not closed on every path: mending that comes first.
- A pause of a constant time of at most one second; a coroutine that is not awaited here.
- The same call in another branch of the statement: the first one is reported, and names the others.
- The session was passed to code that poollint cannot see.
- Tests and migrations. Where no request, task, callback or worker is known to run the function it is info.

## Fix safety
There is none: what may be committed before the call is for the author to say.

## References
- [SQLAlchemy: QueuePool limit](https://docs.sqlalchemy.org/en/20/errors.html#error-3o7r)
- [SQLAlchemy: When do I construct a Session](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#session-faq-whentocreate)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.holding.sites import HeldBy
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.session.holding import called, crowded, exempt, held, holding_verdict

if TYPE_CHECKING:
    from poollint.program.holding.sites import HeldSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL212",
    name="session-held-across-slow-call",
    summary="A connection stays checked out while the function waits for HTTP, a model, a process or a clock",
    severity="warning",
    confidence="medium",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each slow call that a session is held across."""
    return [_verdict(site) for site in sites.held if site.how is HeldBy.SLOW_CALL and not exempt(site)]


def _verdict(site: HeldSite) -> Verdict:
    since = f" since line {site.since}" if site.since and site.since != site.span.line else ""
    return holding_verdict(
        METADATA,
        site,
        f"{called(site)} waits while {held(site)} holds a connection{since}",
        "commit or close it before",
        Severity.WARNING if crowded(site) else Severity.INFO,
        fix_title="Commit or close the session before the call",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION)
