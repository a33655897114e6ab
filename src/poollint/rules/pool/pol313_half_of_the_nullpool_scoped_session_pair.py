"""## What it does
Judges a session on an engine that the same code makes for it with `NullPool`. NullPool and `scoped_session` are often
recommended as a pair against engines that are made again and again; what counts is whether the session is released.

## Why it is bad
NullPool bounds the connections only if each session ends its transaction; `scoped_session` adds nothing to it. Measured
with 8 threads and 64 callbacks, the garbage collector off: with commit the peak is 8 connections and none is left, with
and without `scoped_session`; without commit or close 64 stay idle in a transaction, with and without `scoped_session`.

## Example
```python
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

def work(number):
    engine = create_engine("mysql+mysqldb://app@db/app", poolclass=NullPool)
    session = sessionmaker(bind=engine)()
    return session.execute(text("select 1")).scalar()

with ThreadPoolExecutor() as executor:
    print(list(executor.map(work, range(100))))
```

## Use instead
```python
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

def work(number):
    engine = create_engine("mysql+mysqldb://app@db/app", poolclass=NullPool)
    with sessionmaker(bind=engine)() as session:
        return session.execute(text("select 1")).scalar()

with ThreadPoolExecutor() as executor:
    print(list(executor.map(work, range(100))))
```
One engine for the whole program is better still.

## When it stays quiet
- The session is released on every path: info without `scoped_session`, nothing with it.
- A pair that is committed on the normal path only: POL202.
- `scoped_session` without NullPool: POL101 or POL102 names the missing half.
- The engine is kept (memoised, guarded), or all known callers run once. Tests and migrations.

## Fix safety
A `with` block is safe under the conditions of POL201. NullPool is never removed, and no pair becomes a half one.

## References
- [SQLAlchemy: Switching Pool Implementations](https://docs.sqlalchemy.org/en/20/core/pooling.html#switching-pool-implementations)
- [SQLAlchemy: Contextual/Thread-local Sessions](https://docs.sqlalchemy.org/en/20/orm/contextual.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import guarded_global, memoised, null_pool
from poollint.rules.lifetime.closing import leaking, never_given_back
from poollint.rules.lifetime.exemptions import exempt
from poollint.rules.lifetime.mending import wrap_facts, wrap_in_with
from poollint.rules.lifetime.reporting import (
    call_name,
    first_leak,
    handle_verdict,
    leak_step,
    leak_words,
    warning_severity,
)
from poollint.rules.pool.exemptions import runs_once

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import PairSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version

METADATA = Metadata(
    code="POL313",
    name="half-of-the-nullpool-scoped-session-pair",
    summary="NullPool alone does not release a session, nor does scoped_session",
    severity="warning",
    confidence="high",
    fix="safe",
)


def on_engine_per_call(pair: PairSite) -> bool:
    """The engine has NullPool and is made for this session: again and again, or nobody knows how often."""
    engine = pair.engine
    if not null_pool(engine) or memoised(engine) or guarded_global(engine) or runs_once(engine.frequency):
        return False
    return not engine.in_test and not engine.in_migration and not exempt(pair.handle)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each session that has half of the pair, or both halves and no release."""
    found = []
    for pair in sites.kept.pairs:
        if not on_engine_per_call(pair):
            continue
        leaks = any(True for _ in leaking((pair.handle,), "session"))
        if leaks and (not pair.scoped or never_given_back(pair.handle)):
            found.append(_never_released(pair, sites.versions.sqlalchemy))
        elif not leaks and not pair.scoped and pair.handle.releases:
            found.append(_released(pair))
    return found


def _never_released(pair: PairSite, sqlalchemy: Version) -> Verdict:
    leak = first_leak(pair.handle)
    half = "NullPool and scoped_session do" if pair.scoped else "NullPool does"
    return handle_verdict(
        METADATA,
        pair.handle,
        f"{call_name(pair.handle)} is left open {leak_words(leak)}, {half} not release it",
        "use with",
        warning_severity(pair.handle),
        steps=(Step(pair.engine.span, "the engine with NullPool"), leak_step(pair.handle, leak)),
        fix_title="Use the session in a with block",
        fix_applicability="safe",
        facts=wrap_facts(pair.handle, sqlalchemy),
    )


def _released(pair: PairSite) -> Verdict:
    return handle_verdict(
        METADATA,
        pair.handle,
        f"NullPool without scoped_session is harmless here, {call_name(pair.handle)} is released",
        "keep it so",
        Severity.INFO,
        steps=(Step(pair.engine.span, "the engine with NullPool"),),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.SESSION, fixer=wrap_in_with)
