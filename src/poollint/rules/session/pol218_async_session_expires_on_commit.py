"""## What it does
Finds an async session or session factory without `expire_on_commit=False`, where the program commits such a session and
then reads an attribute of one of its objects.

## Why it is bad
After `commit()` every attribute is expired, and reading one loads it from the database. An async session cannot do that
outside of `await`: the read raises MissingGreenlet (asyncpg, aiosqlite on 2.0) or a StatementError that wraps it
(measured). The error appears on the line that reads, often when the response is made.

## Example
```python
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

Session = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"))

async def rename(user, name):
    async with Session() as session:
        user.name = name
        session.add(user)
        await session.commit()
        return user.name
```

## Use instead
```python
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

Session = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)

async def rename(user, name):
    async with Session() as session:
        user.name = name
        session.add(user)
        await session.commit()
        return user.name
```

## When it stays quiet
- No read after the commit of such a session is found: info. Nothing is said where no such session is committed, or the
  program has no mapped class: rows of a plain `select` never expire.
- The object is refreshed or loaded again in between.
- `expire_on_commit` is passed with another value, or `**settings` may hold it.
- Tests and migrations.

## Fix safety
Adding the keyword is unsafe: code that relies on fresh values after a commit then has to ask for them.

## References
- [SQLAlchemy: Preventing implicit IO when using AsyncSession](https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#preventing-implicit-io-when-using-asyncsession)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import as_call, place
from poollint.rules.pool.exemptions import in_tests
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.registry_sites import FactorySite
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL218",
    name="async-session-expires-on-commit",
    summary="An async session expires its objects on commit, and reading them raises",
    severity="warning",
    confidence="high",
    fix="unsafe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each async factory whose sessions expire their objects."""
    factories = (site for site in sites.kept.factories if site.is_async and site.expires and not in_tests(site))
    return [_verdict(site) for site in factories if not nothing_expires(site)]


def nothing_expires(site: FactorySite) -> bool:
    """No session of it is committed, or the program has no mapped class: rows of a plain select stay as they are."""
    return site.read_after_commit is None and not site.commits


def _verdict(site: FactorySite) -> Verdict:
    read = site.read_after_commit
    head = f"{as_call(site.spelled)} expires attributes on commit"
    return kept_verdict(
        METADATA,
        site.span,
        site.symbol,
        f"{head}, {place(read)} reads one" if read is not None else head,
        "pass expire_on_commit=False",
        Severity.WARNING if read is not None else Severity.INFO,
        chain=(Step(read, "this attribute is expired: reading it needs a query"),) if read is not None else (),
        fix_title="Pass expire_on_commit=False",
        fix_applicability="unsafe",
    )


def fix(target: FixTarget) -> Proposal | Refusal:
    """Adds the keyword to the call that makes the factory."""
    import libcst as cst

    from poollint.editing import call_arguments
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    call = target.node(cst.Call)
    if call is None or any(argument.star == "**" for argument in call.args):
        return Refusal("the keywords of the call are not all written there")
    edits = call_arguments.changed(target.tree, call, ("expire_on_commit",), "expire_on_commit=False")
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, edits)


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
