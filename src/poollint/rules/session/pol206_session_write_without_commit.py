"""## What it does
Finds a session that is made, written to and closed in one function without a commit on any path. For the `db.session`
of Flask-SQLAlchemy the whole way from the request is looked at, with all that it calls.

## Why it is bad
Leaving `with Session()` closes the session, it does not commit: everything that was added is rolled back without a
word. Measured: 0 rows. It looks right in a test that reads through the same session.

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def save(order):
    with SessionLocal() as session:
        session.add(order)
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def save(order):
    with SessionLocal.begin() as session:
        session.add(order)
```

## When it stays quiet
- A commit, `begin()` block or `sessionmaker.begin()` on some path: a dry run is a choice.
- The session's own class commits in `__exit__` or `close()`, also one that `sessionmaker(class_=...)` makes.
- A rollback is the last word, `expunge()` takes the change back, or the session runs in AUTOCOMMIT.
- The session is a parameter, or is returned, stored, yielded or passed on: somebody else commits.
- A change in `db.session` of which some caller is not known, or which a function on the way or a hook may commit.
- Tests and migrations.

## Fix safety
`Session.begin()` in the place of `Session()` is unsafe: what was rolled back is saved from then on. So is
`db.session.commit()` behind the last change of a request, which is held back in loops and where several blocks change.

## References
- [SQLAlchemy: Framing out a begin / commit / rollback block](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#framing-out-a-begin-commit-rollback-block)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.wording import place
from poollint.rules.lifetime.beginning import begin_facts
from poollint.rules.lifetime.committing import REQUEST, commit_or_begin
from poollint.rules.lifetime.exemptions import exempt
from poollint.rules.lifetime.misusing import misuse_verdict, misuses
from poollint.rules.lifetime.releases import without_with
from poollint.rules.lifetime.reporting import call_name, handle_verdict
from poollint.rules.lifetime.writing import writes_in_vain, written_step

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL206",
    name="session-write-without-commit",
    summary="What a session writes is never committed",
    severity="warning",
    confidence="medium",
    fix="unsafe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session whose changes are thrown away."""
    made_here = [
        _verdict(site, sites.versions.sqlalchemy)
        for site in sites.handles
        if site.kind == "session" and writes_in_vain(site) and not exempt(site)
    ]
    return [*made_here, *(_of_request(each) for each in misuses(sites, MisuseKind.NEVER_COMMITTED))]


def _of_request(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"what {misuse.spelled}() changes is not committed in a request of {misuse.detail}()",
        "commit before the response",
        Severity.WARNING,
        Confidence.MEDIUM,
        fix_title="Commit before the response",
        fix_applicability="unsafe",
        facts=FixFacts(kind=REQUEST),
    )


def _verdict(site: HandleSite, sqlalchemy: Version) -> Verdict:
    step = written_step(site)
    return handle_verdict(
        METADATA,
        site,
        f"{call_name(site)} is never committed, what {place(step.span)} writes is rolled back",
        "commit" if without_with(sqlalchemy) else "commit, or use begin()",
        Severity.WARNING,
        Confidence.MEDIUM,
        steps=(step,),
        fix_title="Commit at the end" if without_with(sqlalchemy) else "Make the session with begin(), which commits",
        fix_applicability="unsafe",
        facts=begin_facts(site, sqlalchemy),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=commit_or_begin)
