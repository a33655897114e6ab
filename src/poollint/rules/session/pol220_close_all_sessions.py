"""## What it does
Finds `close_all_sessions()`, `Session.close_all()` and `sessionmaker.close_all()` in code that runs while other
sessions are in use.

## Why it is bad
It closes every session of the process that is not collected yet, also those that other threads and tasks are using at
that moment: their transactions roll back in the middle. The documentation says "not for general use".

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import close_all_sessions, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def end_of_request(response):
    close_all_sessions()
    return response
```

## Use instead
```python
import atexit

from sqlalchemy import create_engine
from sqlalchemy.orm import close_all_sessions, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

atexit.register(close_all_sessions)
```

## When it stays quiet
- A shutdown, fork, signal or clean-up hook runs it, or the end of a program that runs once.
- The function disposes of the engine too: everything of the database is shut down.
- Module level, tests, migrations.

## Fix safety
There is no edit that is right everywhere: close the sessions that this code opened.

## References
- [SQLAlchemy: close_all_sessions](https://docs.sqlalchemy.org/en/20/orm/session_api.html#sqlalchemy.orm.close_all_sessions)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.lifetimes.registry_sites import Misuse
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import as_call
from poollint.rules.pool.exemptions import in_tests, is_repeated
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import MisuseSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL220",
    name="close-all-sessions",
    summary="All sessions of the process are closed while others may use them",
    severity="warning",
    confidence="high",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each call that nothing says runs at the end."""
    return [
        _verdict(site)
        for site in sites.kept.misuses
        if site.kind is Misuse.CLOSED_ALL and not site.once and not in_tests(site)
    ]


def _verdict(site: MisuseSite) -> Verdict:
    known = is_repeated(site.frequency)
    return kept_verdict(
        METADATA,
        site.span,
        site.symbol,
        f"{as_call(site.name)} closes the sessions of other threads and tasks too",
        "close your own session",
        entry=site.frequency.entry if known else "",
        chain=site.frequency.chain if known else (),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
