"""## What it does
Finds `engine.connect()` as the bind of a session or sessionmaker: `Session(bind=engine.connect())`,
`sessionmaker(engine.connect())`.

## Why it is bad
Closing the session does not close that connection: it stays checked out (measured). With a sessionmaker every session
of every thread shares the one connection and its transaction.

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(bind=engine.connect())
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(bind=engine)
```

## When it stays quiet
- The connection has a name of its own: POL601 and POL602 follow it.
- Tests (a session inside of an outer transaction is their recipe) and migrations.

## Fix safety
`bind=engine` is unsafe: what was one transaction for all becomes one for each session.

## References
- [SQLAlchemy: Joining a Session into an external transaction](https://docs.sqlalchemy.org/en/20/orm/session_transaction.html#joining-a-session-into-an-external-transaction-such-as-for-test-suites)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL606",
    name="session-bound-to-fresh-connection",
    summary="A session or sessionmaker is bound to a connection that nothing closes",
    severity="error",
    confidence="high",
    fix="unsafe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each connection that is a bind and nothing else."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.BOUND_TO_CONNECTION)]


def _verdict(misuse: Misuse) -> Verdict:
    shared = misuse.detail == "every session"
    return misuse_verdict(
        METADATA,
        misuse,
        "every session shares this one connection" if shared else "closing the session leaves this connection open",
        "bind the engine",
        Severity.ERROR if misuse.grave else Severity.WARNING,
        fix_title="Bind the engine",
        fix_applicability="unsafe",
    )


def fix(target: FixTarget) -> Proposal | Refusal:
    """Puts the engine where its connection was."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    call = target.node(cst.Call)
    bound: cst.CSTNode | None = call
    if call is not None and isinstance(tree.parents[call], cst.Await):
        bound = tree.parents[call]
    if call is None or bound is None or call.args or not isinstance(call.func, cst.Attribute):
        return Refusal("the connection is not made by connect() alone")
    if not isinstance(tree.parents[bound], cst.Arg):
        return Refusal("options are set on the connection")
    edit = tree.replace(bound, tree.text(call.func.value))
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, (edit,))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.CONNECTION, fixer=fix)
