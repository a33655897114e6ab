"""## What it does
Finds a generator that yields a session and releases it only when the consumer comes back without an exception.

## Why it is bad
`contextlib.contextmanager` and FastAPI (from 0.106 on) throw the consumer's exception into the generator at the
`yield`. The lines after it are skipped, and the connection stays checked out: five failing requests leave five
connections (measured).

## Example
```python
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def get_db():
    db = SessionLocal()
    yield db
    db.close()

@app.get("/orders")
def orders(db=Depends(get_db)):
    return db.execute(text("select id from orders")).scalars().all()
```

## Use instead
```python
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def get_db():
    with SessionLocal() as db:
        yield db

@app.get("/orders")
def orders(db=Depends(get_db)):
    return db.execute(text("select id from orders")).scalars().all()
```

## When it stays quiet
- The `yield` stands in a `with` block of the session, in `try` with a `finally` that releases it, or under an
  `except` that releases it and raises again.
- Only what stands before the `yield` skips the release: the session never gets to its consumer.
- The session is bound to a connection that somebody else opened, or comes from a scoped_session.
- Tests, their fixtures, and migrations.
- It is an error for a context manager and for a dependency of FastAPI, else a warning.

## Fix safety
A `with` block around the `yield` is safe in a context manager or dependency that closes the session on the normal
path: there it is closed where it was. It is unsafe where nothing closed the session, whose objects may be in use later,
and in other generators.

## References
- [FastAPI: Dependencies with yield](https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/)
- [Python: contextlib.contextmanager](https://docs.python.org/3/library/contextlib.html#contextlib.contextmanager)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.exemptions import exempt, only_a_failing_commit, yields_it
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.reporting import call_name, handle_verdict, leak_step

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL205",
    name="generator-session-without-finally",
    summary="A generator releases its session only when the consumer does not raise",
    severity="error",
    confidence="high",
    fix="safe",
)

_THROWN_INTO = frozenset({"context manager", "dependency"})


def skips_its_release(site: HandleSite) -> bool:
    """The generator yields the session, and an exception there leaves the connection out."""
    if site.kind != "session" or not yields_it(site) or not site.leaks:
        return False
    return not exempt(site) and not only_a_failing_commit(site) and not fails_before_the_yield(site)


def fails_before_the_yield(site: HandleSite) -> bool:
    """Only what stands before the yield skips the release: such a session never got to its consumer."""
    return site.releases and all(leak.how == "raise" and leak.line not in site.yields for leak in site.leaks)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that an exception of the consumer leaves open."""
    return [_verdict(site, sites.versions.sqlalchemy) for site in sites.handles if skips_its_release(site)]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    leak = next((leak for leak in site.leaks if leak.line in site.yields), site.leaks[0])
    if site.releases:
        head = f"{call_name(site)} is not closed when the code that uses it raises at the yield"
    else:
        head = f"{call_name(site)} is yielded and never closed"
    return handle_verdict(
        METADATA,
        site,
        head,
        "put the yield into try/finally" if without_with(sqlalchemy) else "put the yield into with or try/finally",
        Severity.ERROR if site.generator in _THROWN_INTO else Severity.WARNING,
        steps=(leak_step(site, leak),),
        fix_title="Put the yield into with",
        fix_applicability="safe",
        facts=wrap_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=wrap_in_with)
