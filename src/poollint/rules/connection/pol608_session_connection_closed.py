"""## What it does
Finds `session.connection().close()` and `with session.connection() as connection:`.

## Why it is bad
The connection belongs to the session's transaction. Once it is closed the session raises ResourceClosedError at its
next statement (measured).

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def ping():
    with SessionLocal() as session:
        with session.connection() as connection:
            connection.execute(text("select 1"))
        session.commit()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def ping():
    with SessionLocal() as session:
        connection = session.connection()
        connection.execute(text("select 1"))
        session.commit()
```

## When it stays quiet
- The object is not known to be a session, and no statement of SQLAlchemy runs on its connection.
- Tests and migrations.

## Fix safety
Dropping the `close()` or the `with` is safe: the session gives the connection back.

## References
- [SQLAlchemy: Session.connection](https://docs.sqlalchemy.org/en/20/orm/session_api.html#sqlalchemy.orm.Session.connection)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL608",
    name="session-connection-closed",
    summary="The connection of a session is closed while the session uses it",
    severity="warning",
    confidence="high",
    fix="safe",
)


_CERTAIN = "certain"


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each lent connection that is closed."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.SESSION_CONNECTION_CLOSED)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"{misuse.detail} closes the connection of {misuse.spelled}() under the session",
        "let the session close it",
        Severity.WARNING,
        Confidence.HIGH if misuse.certain else Confidence.MEDIUM,
        fix_title="Let the session close its connection",
        fix_applicability="safe",
        facts=FixFacts(kind=_CERTAIN if misuse.certain else ""),
    )


def fix(target: FixTarget) -> Proposal | Refusal:
    """Drops the `close()`, or makes an assignment of the `with`."""
    import libcst as cst

    from poollint.editing import statements
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    call = target.node(cst.Call)
    parent = tree.parents[call] if call is not None else None
    if isinstance(parent, cst.Await):
        parent = tree.parents[parent]
    if isinstance(parent, cst.WithItem):
        edit = statements.with_as_assignment(tree, parent)
    else:
        edit = statements.dropped(tree, parent) if isinstance(parent, cst.Expr) else None
    if edit is None:
        return Refusal("the rest of the statement is needed")
    safety = Applicability.SAFE if target.verdict.facts.kind == _CERTAIN else Applicability.UNSAFE
    return Proposal(target.verdict.fix_title, safety, (edit,))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
