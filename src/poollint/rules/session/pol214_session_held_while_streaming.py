"""## What it does
Finds a response whose body is made while the client reads it (StreamingResponse, EventSourceResponse,
`stream_with_context`) and that keeps a session until then: the session of the request, also one that only a dependency
of a dependency uses, or one that a generator opens around its `yield`. Helpers that build the response are followed.

## Why it is bad
A slow client, or an event stream that lasts for hours, keeps a connection of the pool for itself. Measured on FastAPI
0.118 and later: the session of `Depends(get_db)` is still checked out at every chunk, because dependencies end after
the response. Fifteen open streams are enough for a pool of the default size; every other request waits and fails. A row
that a dependency has changed stays locked as long.

## Example
```python
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def get_db():
    with SessionLocal() as session:
        yield session

def events(names):
    for name in names:
        yield f"data: {name}\\n\\n"

@app.get("/events")
def stream(db: Session = Depends(get_db)):
    names = db.execute(text("select name from events")).scalars().all()
    return StreamingResponse(events(names))
```

## Use instead
```python
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def events(names):
    for name in names:
        yield f"data: {name}\\n\\n"

@app.get("/events")
def stream():
    with SessionLocal() as db:
        names = db.execute(text("select name from events")).scalars().all()
    return StreamingResponse(events(names))
```
With FastAPI 0.121 and later `Depends(get_db, scope="function")` ends the session before the response is sent.

## When it stays quiet
- A commit, rollback or close stands between the last statement and the response.
- No statement has run on the session, neither in a dependency nor in the generator.
- The project runs on FastAPI 0.106-0.117, which ends the session of a dependency before the response is sent, and the
  stream does not use it. In other versions, or where no file names one, the session lasts as long as the stream.
- The generator yields the session itself, or an object that is built on it (an Inspector, a repository): a context
  manager, a fixture or a dependency.
- Tests and migrations. A generator that no response is known to stream is info: its consumer may be quick.

## Fix safety
There is none: fetching in pages, or before the response, changes the program.

## References
- [FastAPI: Dependencies with yield](https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/)
- [Flask: Streaming with context](https://flask.palletsprojects.com/en/stable/patterns/streaming/#streaming-with-context)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.holding.sites import HeldBy
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.session.holding import called, exempt, held, holding_verdict

if TYPE_CHECKING:
    from poollint.program.holding.sites import HeldSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL214",
    name="session-held-while-streaming",
    summary="A connection stays checked out for as long as a client reads a stream",
    severity="warning",
    confidence="medium",
    fix="suggestion",
)

_STREAMS = frozenset({HeldBy.STREAM, HeldBy.GENERATOR})


def ended_before_the_stream(site: HeldSite, fastapi: Version) -> bool:
    """FastAPI 0.106-0.117 ends the dependencies of a request before its response is sent."""
    return site.by_dependency and fastapi.at_least(0, 106) and fastapi.below(0, 118)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each response, or `yield`, that keeps a session."""
    fastapi = sites.versions.fastapi
    streams = (site for site in sites.held if site.how in _STREAMS and not exempt(site))
    return [_verdict(site) for site in streams if not ended_before_the_stream(site, fastapi)]


def _verdict(site: HeldSite) -> Verdict:
    if site.how is HeldBy.STREAM:
        head = f"{held(site)} holds its connection until the stream of {called(site)} ends"
        return holding_verdict(
            METADATA,
            site,
            head,
            "close it before the response",
            Severity.WARNING,
            fix_title="Use a short session that ends before the response",
        )
    return holding_verdict(
        METADATA,
        site,
        f"{held(site)} holds its connection while the consumer works at this yield",
        "fetch in pages, yield outside of the session",
        Severity.WARNING if site.streamed else Severity.INFO,
        fix_title="Fetch in pages and yield between them",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
