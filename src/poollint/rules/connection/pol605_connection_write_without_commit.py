"""## What it does
Finds a connection that is made, written to and closed in one function without a commit on any path.

## Why it is bad
From SQLAlchemy 2.0 on a connection commits only when it is told to: the INSERT is rolled back at the end of the block
without a word (measured: 0 rows). On 1.4 the same code was committed automatically, so the loss comes with the upgrade.

## Example
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def touch(user_id):
    with engine.connect() as connection:
        connection.execute(text("update users set seen = now() where id = :id"), {"id": user_id})
```

## Use instead
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def touch(user_id):
    with engine.begin() as connection:
        connection.execute(text("update users set seen = now() where id = :id"), {"id": user_id})
```

## When it stays quiet
- A commit or a `begin()` block on some path, or a rollback on purpose.
- AUTOCOMMIT: `execution_options(isolation_level="AUTOCOMMIT")` on the connection or its engine.
- The statement is not known to write: a SELECT, or text that is put together elsewhere.
- The connection is a parameter, or is returned, stored, yielded or passed on.
- Tests and migrations.
- It is info where only the schema is changed: the MySQL family commits that by itself.
- It is info where the project runs on SQLAlchemy 1.x, which commits by itself: the loss comes with the upgrade.

## Fix safety
`engine.begin()` in the place of `engine.connect()` is unsafe: what was rolled back is saved from then on.

## References
- [SQLAlchemy: Commit as you go](https://docs.sqlalchemy.org/en/20/core/connections.html#commit-as-you-go)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import place
from poollint.rules.lifetime.beginning import begin_facts, begin_instead
from poollint.rules.lifetime.exemptions import exempt
from poollint.rules.lifetime.releases import commits_by_itself
from poollint.rules.lifetime.reporting import call_name, handle_verdict
from poollint.rules.lifetime.writing import writes_in_vain, written_step

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL605",
    name="connection-write-without-commit",
    summary="What a connection writes is never committed",
    severity="error",
    confidence="medium",
    fix="unsafe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection whose changes are thrown away."""
    return [
        _verdict(site, sites.versions.sqlalchemy)
        for site in sites.handles
        if site.kind == "connection" and writes_in_vain(site) and not exempt(site)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    step = written_step(site)
    if commits_by_itself(sqlalchemy):
        loss = f"the write at {place(step.span)} breaks on upgrade to 2.0"
    else:
        loss = f"what {place(step.span)} writes is rolled back"
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} is never committed, {loss}",
        "use engine.begin()",
        Severity.INFO if site.schema_only or commits_by_itself(sqlalchemy) else Severity.ERROR,
        Confidence.MEDIUM,
        steps=(step,),
        fix_title="Make the connection with begin(), which commits",
        fix_applicability="unsafe",
        facts=begin_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION, fixer=begin_instead)
