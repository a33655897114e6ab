"""## What it does
Finds `engine.connect().execute(...)`: a connection that nothing names.

## Why it is bad
Nobody can close it. From SQLAlchemy 2.0 on it stays checked out until the cyclic garbage collector runs, and what it
writes is rolled back then (measured: 0 rows in 2.x, 1 row in 1.4).

## Example
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def version():
    return engine.connect().execute(text("select version()")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def version():
    with engine.connect() as connection:
        return connection.execute(text("select version()")).scalar()
```

## When it stays quiet
- `engine.connect().execution_options(...)` that a `with` block or a variable takes over.
- Tests and migrations. In a script that ends soon it is info.
- It is a warning where the project runs on SQLAlchemy 1.x: there only an exception leaves the connection out.

## Fix safety
A `with` block is safe where the data are fetched in the same expression; with a write it is unsafe, because the
write is saved from then on.

## References
- [SQLAlchemy: Working with engines and connections](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import NO_FACTS, Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.lifetime.closing import leaking
from poollint.rules.lifetime.exemptions import one_shot_script
from poollint.rules.lifetime.releases import commits_by_itself, connection_severity
from poollint.rules.lifetime.reporting import call_name, handle_verdict

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL603",
    name="chained-connect-execute",
    summary="A statement runs on a connection that nothing names",
    severity="error",
    confidence="high",
    fix="safe",
)


def is_anonymous(site: HandleSite) -> bool:
    """The statement is a method call on the very call that makes the connection."""
    return site.chained and not site.name and not site.releases


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection without a name."""
    return [
        _verdict(site, sites.versions.sqlalchemy) for site in leaking(sites.handles, "connection") if is_anonymous(site)
    ]


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    severity = Severity.INFO if one_shot_script(site) else Severity.ERROR
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} has no name, so nothing can close it",
        "use it in a with block",
        connection_severity(severity, sqlalchemy),
        fix_title="Use the connection in a with block",
        fix_applicability="unsafe" if site.writes else "safe",
        facts=_facts(site, sqlalchemy),
    )


def _facts(site: HandleSite, sqlalchemy: Version) -> FixFacts:
    if site.is_async or site.proxy:
        return NO_FACTS
    commits = bool(site.writes) and not site.autocommit and not commits_by_itself(sqlalchemy)
    return FixFacts(kind=_COMMITS if commits else _READS, names=() if site.certain else (("guessed", "yes"),))


_COMMITS, _READS = "commits", "reads"


def fix(target: FixTarget) -> Proposal | Refusal:
    """Gives the connection a name, in a `with` block around the statement or around all uses of the name."""
    from msgspec.structs import replace

    from poollint.editing.block_headers import Begins, Wrap
    from poollint.editing.proposal import Refusal
    from poollint.editing.unchaining import unchained
    from poollint.editing.wrapping import wrapped
    from poollint.findings import Applicability

    facts, place = target.verdict.facts, target.place(target.verdict.site)
    if not facts.kind:
        return Refusal("an async connection has to be awaited in steps")
    begins = Begins.CONNECT if facts.kind == _COMMITS else Begins.NOT
    wrap = Wrap(place, target.verdict.fix_title, connection=True, begins=begins)
    answer = wrapped(target.tree, wrap) if begins is Begins.NOT else Refusal("")
    if isinstance(answer, Refusal):
        answer = unchained(target.tree, wrap)
    if facts.name("guessed") and not isinstance(answer, Refusal):
        return replace(answer, applicability=Applicability.UNSAFE)
    return answer


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION, fixer=fix)
