"""## What it does
Finds engines that are dropped without `dispose()`: a local engine that no path disposes of; an attribute that holds an
engine and is set to None or overwritten; an engine that is made for every test and never cleaned up.

## Why it is bad
A dropped engine is not closed. Its idle connections stay open until the cyclic garbage collector runs; an async engine
cannot close them at all at that time, because no event loop is there to do it. A test suite that leaves one engine per
test reaches the connection limit of the test database.

## Example
```python
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

async def count():
    engine = create_async_engine("postgresql+asyncpg://app@db/app")
    async with engine.connect() as connection:
        return (await connection.execute(text("select count(*) from t"))).scalar()
```

## Use instead
```python
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

async def count():
    engine = create_async_engine("postgresql+asyncpg://app@db/app")
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text("select count(*) from t"))).scalar()
    finally:
        await engine.dispose()
```

## When it stays quiet
- The engine escapes: returned, yielded, stored, captured or passed to an owner.
- NullPool has nothing to dispose of. In-memory SQLite has no server.
- Tests (except for an engine made for every test), migrations, scripts that end soon.
- A local synchronous engine in a function that is not known to repeat: info.
- POL101 and its kin win where they report the same call.

## Fix safety
Wrapping the rest of the block in `try: ... finally: engine.dispose()` is safe for a local engine that is bound once and
does not escape: nothing else can still use its pool. It is held back in asynchronous generators, and where inner
functions use the engine or the function returns it. `dispose()` before an attribute of `self` is overwritten is unsafe:
others may use the same engine. For engines of tests it is only suggested.

## References
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
- [SQLAlchemy: AsyncEngine.dispose](https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.sites import Holder, Release, Step
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.disposing import dispose_in_finally, disposing_facts
from poollint.rules.engine.dropping import DROPPED, dispose_before, dropping_facts
from poollint.rules.engine.exemptions import (
    exempt,
    frequency_is_known,
    in_memory_database,
    in_migration,
    in_tests,
    null_pool,
    runs_repeatedly,
    unreferenced_private,
)
from poollint.rules.engine.reporting import assumed_confidence, proven_confidence, unhinted_confidence, verdict
from poollint.rules.engine.wording import call_name, per, place, sentence

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, ProgramSites, Span
    from poollint.rules.mending import FixTarget
    from poollint.rules.visitor import CallMarker

METADATA = Metadata(
    code="POL107",
    name="engine-never-disposed",
    summary="An engine is dropped without dispose(), and its connections stay open",
    severity="warning",
    confidence="high",
    fix="safe",
)

_MODULE_HOLDERS = (Holder.MODULE, Holder.CLASS_BODY)


def nothing_to_dispose(site: EngineSite) -> bool:
    """No idle connection can stay behind on a server."""
    return null_pool(site) or in_memory_database(site)


def dropped_local(site: EngineSite) -> bool:
    """The engine stays in the function that makes it, and no path disposes of it."""
    return (
        site.release is Release.NEVER
        and not site.escapes
        and site.holder not in _MODULE_HOLDERS
        and not unreferenced_private(site)
        and not nothing_to_dispose(site)
        and not exempt(site)
    )


def left_by_every_test(site: EngineSite) -> bool:
    """A set-up function or a function-scoped fixture makes it, and nothing disposes of it."""
    return site.made_per_test and site.release is Release.NEVER and not nothing_to_dispose(site)


def overwritten_undisposed(site: EngineSite) -> bool:
    """The attribute that holds the engine is set to something else without dispose()."""
    return bool(site.overwritten) and not (nothing_to_dispose(site) or in_tests(site) or in_migration(site))


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each dropped engine, and one for each statement that drops an attribute's engine."""
    found = []
    dropping: dict[Span, Verdict] = {}
    for site in sorted(sites.engines, key=lambda each: each.span):
        if left_by_every_test(site):
            found.append(_per_test(site))
        elif dropped_local(site):
            found.append(_local(site))
        for span in site.overwritten if overwritten_undisposed(site) else ():
            dropping.setdefault(span, _overwritten(site, span))
    return [*found, *dropping.values()]


def _local(site: EngineSite) -> Verdict:
    repeated = runs_repeatedly(site) and frequency_is_known(site)
    if repeated:
        head = f"{call_name(site)} runs {per(site.frequency)}, {_disposer(site)} disposes of the engine"
    else:
        head = f"{call_name(site)} makes a local engine that {_disposer(site)} disposes of"
    advice = "await dispose() in finally" if site.is_async else "call dispose() in finally"
    return verdict(
        METADATA,
        site,
        sentence(head, site.frequency.entry if repeated else "", advice),
        Severity.WARNING if repeated or (site.is_async and not site.frequency.partly_unknown) else Severity.INFO,
        proven_confidence(site) if frequency_is_known(site) else assumed_confidence(site),
        fix_title="Dispose of the engine in a finally block",
        fix_applicability="display" if site.inline_into else "safe",
        facts=disposing_facts(site),
    )


def _disposer(site: EngineSite) -> str:
    return "only a failure" if site.dispose_span is not None else "nothing"


def _per_test(site: EngineSite) -> Verdict:
    return verdict(
        METADATA,
        site,
        sentence(f"{call_name(site)} runs for every test", site.frequency.entry, "add a clean-up that calls dispose()"),
        Severity.WARNING,
        unhinted_confidence(site),
        fix_title="Dispose of the engine when the test ends",
    )


def _overwritten(site: EngineSite, span: Span) -> Verdict:
    """The statement is the acquisition's end, so it competes with nothing and is its own site."""
    return Verdict(
        code=METADATA.code,
        site=span,
        span=span,
        chunk_line=span.line,
        symbol=site.class_name if span.path == site.span.path else "",
        message=sentence(
            f"this drops the engine made at {place(site.span)}, its connections stay open", "", "call dispose() first"
        ),
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        chain=(Step(site.span, f"{call_name(site)} makes the engine"),),
        fix_title="Call dispose() before the engine is dropped",
        fix_applicability="unsafe",
        facts=dropping_facts(site),
    )


def marker() -> type[CallMarker]:
    """The visitor: the place is a call, or the statement that overwrites an attribute."""
    import libcst as cst

    from poollint.rules.visitor import CallMarker

    class DroppedEngineMarker(CallMarker):
        kinds = (cst.Call, cst.Assign, cst.AnnAssign, cst.Del, cst.Attribute)

    return DroppedEngineMarker


def fix(target: FixTarget) -> Proposal | Refusal:
    """`dispose()` in `finally`, or before the statement that drops the engine of an attribute."""
    return dispose_before(target) if target.verdict.facts.kind == DROPPED else dispose_in_finally(target)


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, marker=marker, fixer=fix)
