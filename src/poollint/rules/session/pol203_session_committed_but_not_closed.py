"""## What it does
Finds a session that every path commits or rolls back after its last statement, and that nothing closes.

## Why it is bad
The connection is back in the pool, so nothing leaks. The identity map with its objects lives until the garbage
collector runs, and the next attribute that is read from an expired object takes a connection again.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def touch(user_id):
    session = SessionLocal()
    try:
        session.execute(text("update users set seen = now() where id = :id"), {"id": user_id})
        session.commit()
    except Exception:
        session.rollback()
        raise
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def touch(user_id):
    with SessionLocal.begin() as session:
        session.execute(text("update users set seen = now() where id = :id"), {"id": user_id})
```

## When it stays quiet
- It is info: shown with `--select POL203`.
- Some path leaves the connection out: that is POL201 or POL202.
- The session is returned, stored, yielded or passed on.

## Fix safety
A `with` block is safe when nothing that belongs to the session leaves the block.

## References
- [SQLAlchemy: Committing](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#committing)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.exemptions import exempt
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.reporting import call_name, handle_verdict

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL203",
    name="session-committed-but-not-closed",
    summary="A session ends its transaction on every path and is not closed",
    severity="info",
    confidence="high",
    default=False,
    fix="safe",
)


def ends_but_stays(site: HandleSite) -> bool:
    """Every path commits or rolls back, none closes, and nobody else has the session."""
    ended = bool(site.commits or site.rollbacks) and bool(site.takes)
    return ended and not site.leaks and not site.closes and not site.escapes and not site.context


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that is committed and dropped."""
    return [
        _verdict(site, sites.versions.sqlalchemy)
        for site in sites.handles
        if site.kind == "session" and ends_but_stays(site) and not exempt(site)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} is committed and not closed, its objects stay until garbage collection",
        "use contextlib.closing()" if without_with(sqlalchemy) else "use with",
        Severity.INFO,
        fix_title=f"Use the session in a {'closing()' if without_with(sqlalchemy) else 'with'} block",
        fix_applicability="safe",
        facts=wrap_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=wrap_in_with)
