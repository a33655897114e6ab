"""## What it does
Finds a FastAPI dependency that returns a new session: `Depends(get_db)` where `get_db` says `return SessionLocal()`,
`Depends(lambda: SessionLocal())` and `Depends(SessionLocal)`.

## Why it is bad
FastAPI cleans up after dependencies that yield. For one that returns, nobody closes the session: five requests, five
connections out until the garbage collector runs (measured).

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

from fastapi import Depends, FastAPI

app = FastAPI()

def get_db():
    return SessionLocal()

@app.get("/")
def read(db=Depends(get_db)):
    return db.execute(text("select 1")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

from fastapi import Depends, FastAPI

app = FastAPI()

def get_db():
    with SessionLocal() as db:
        yield db

@app.get("/")
def read(db=Depends(get_db)):
    return db.execute(text("select 1")).scalar()
```

## When it stays quiet
- The dependency yields the session, or returns that of a scoped_session or of a framework.
- A factory that is no dependency: those who call it are judged by POL201 and POL202.
- Tests and migrations.

## Fix safety
Yielding from a `with` block is safe where every mention of the function is in `Depends()`. Elsewhere it is a
suggestion: other code may call the function too.

## References
- [FastAPI: Dependencies with yield](https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses
from poollint.rules.lifetime.releases import without_with

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL204",
    name="session-factory-without-owner",
    summary="A dependency returns a session that nothing closes",
    severity="error",
    confidence="high",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each dependency that hands out a session without an owner."""
    return [_verdict(each, sites.versions.sqlalchemy) for each in misuses(sites, MisuseKind.DEPENDENCY)]


def _verdict(misuse: Misuse, sqlalchemy: Version) -> Verdict:
    without_others = ("only", "yes") in misuse.names
    return misuse_verdict(
        METADATA,
        misuse,
        f"{misuse.spelled}() is a dependency that returns its session, so no request closes it",
        "yield it in a with block",
        Severity.ERROR,
        fix_title="Yield the session from a with block",
        fix_applicability="safe" if without_others and not without_with(sqlalchemy) else "display",
        facts=FixFacts(kind=_YIELD if without_others and not without_with(sqlalchemy) else "", names=misuse.names),
    )


_YIELD = "yield"


def fix(target: FixTarget) -> Proposal | Refusal:
    """Makes a generator of the function."""
    from poollint.editing.proposal import Refusal
    from poollint.editing.yielding import yielded

    facts = target.verdict.facts
    if facts.kind != _YIELD:
        return Refusal("other code may call the function too")
    return yielded(target.tree, target.location, target.verdict.fix_title, bool(facts.name("async")))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=fix)
