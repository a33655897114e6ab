"""## What it does
Finds `close()`, `commit()`, `rollback()`, `dispose()` and the like on an async session, connection, engine or
registry whose result is not awaited.

## Why it is bad
The call gives a coroutine object and nothing else happens: the connection stays checked out, the change is not saved,
and Python warns that a coroutine was never awaited (measured).

## Example
```python
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

SessionLocal = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)

async def ping():
    session = SessionLocal()
    try:
        await session.execute(text("select 1"))
    finally:
        session.close()
```

## Use instead
```python
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

SessionLocal = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)

async def ping():
    session = SessionLocal()
    try:
        await session.execute(text("select 1"))
    finally:
        await session.close()
```

## When it stays quiet
- The coroutine is awaited, returned, or passed to `gather`, `shield`, `create_task` or another call.
- The type of the object is not known, or it is one of the synchronous classes.
- Tests and migrations.

## Fix safety
`await` in front of the call is safe in an `async def`; elsewhere it is a suggestion.

## References
- [SQLAlchemy: Asynchronous I/O](https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html)
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
    code="POL216",
    name="async-release-not-awaited",
    summary="A coroutine that commits, closes or disposes is not awaited",
    severity="error",
    confidence="high",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each coroutine that nobody runs."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.NOT_AWAITED)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"{misuse.spelled}() is a coroutine that nothing runs",
        "await it",
        Severity.ERROR,
        fix_title="Await the call",
        fix_applicability="safe" if misuse.grave else "display",
    )


def fix(target: FixTarget) -> Proposal | Refusal:
    """Puts `await` before a call that is a statement of its own in an `async def`."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    call = target.node(cst.Call)
    function = tree.function(call) if call is not None else None
    if call is None or function is None or function.asynchronous is None:
        return Refusal("await is only possible in an async def")
    if not isinstance(tree.parents.get(call), cst.Expr):
        return Refusal("the coroutine is part of an expression")
    return Proposal("Await the call", Applicability.SAFE, (tree.before(call, "await "),))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
