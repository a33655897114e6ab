"""## What it does
Finds a session that is made before an endless loop and used inside of it, where nothing in the loop commits, rolls
back or closes it. `while True` and iteration over the messages of Kafka, Redis, RabbitMQ, NATS, PostgreSQL's `NOTIFY`
and the like are endless.

## Why it is bad
The first statement begins a transaction that lasts as long as the process. Every later query sees the rows as they were
then (on databases with snapshots), objects come from the identity map and grow stale, vacuum cannot clean up behind
it, and the first lost connection ends the program.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def consume(queue):
    session = SessionLocal()
    while True:
        number = queue.get()
        session.execute(text("select * from orders where id = :n"), {"n": number})
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def consume(queue):
    while True:
        number = queue.get()
        with SessionLocal() as session:
            session.execute(text("select * from orders where id = :n"), {"n": number})
```

## When it stays quiet
- Something in the loop commits, rolls back or closes the session.
- The loop ends by itself: its condition is not constant, or it holds a `break` or `return`; the consumer is told when
  to stop (`consumer_timeout_ms`).
- The session is passed on, stored or returned.
- Tests and migrations.

## Fix safety
A `with` block in the loop is a suggestion: objects may be carried from one turn to the next.

## References
- [SQLAlchemy: When do I construct a Session](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#session-faq-whentocreate)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.holding.sites import HeldBy
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.session.holding import exempt, held, holding_verdict

if TYPE_CHECKING:
    from poollint.program.holding.sites import HeldSite
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL213",
    name="session-outlives-loop",
    summary="One session, and one transaction, for all turns of an endless loop",
    severity="warning",
    confidence="medium",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that an endless loop never gives back."""
    return [_verdict(site) for site in sites.held if site.how is HeldBy.LOOP and not exempt(site)]


def _verdict(site: HeldSite) -> Verdict:
    return holding_verdict(
        METADATA,
        site,
        f"{held(site)} is one transaction for all turns of an endless loop",
        "make it inside the loop, in a with block",
        Severity.WARNING,
        fix_title="Move the session into the loop",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION)
