"""## What it does
Finds an engine that is made at first use, without a lock, in a function that several threads can call first.

## Why it is bad
`functools.lru_cache` and a plain guard do not serialise the first call: eight threads that came first got eight
engines, and seven of them stayed until the garbage collector ran.

## Example
```python
import functools
from concurrent.futures import ThreadPoolExecutor
from sqlalchemy import create_engine, text

@functools.lru_cache(maxsize=None)
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")

def work(number):
    with get_engine().connect() as connection:
        connection.execute(text("select 1"))

with ThreadPoolExecutor(8) as executor:
    list(executor.map(work, range(100)))
```

## Use instead
```python
from concurrent.futures import ThreadPoolExecutor
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")

def work(number):
    with engine.connect() as connection:
        connection.execute(text("select 1"))

with ThreadPoolExecutor(8) as executor:
    list(executor.map(work, range(100)))
```

## When it stays quiet
- It is off unless selected by name: the race costs a few connections once.
- The first call holds a lock, or the cache brings one (`st.cache_resource`, thread-safe singletons).
- One engine for each thread or process; NullPool; tests, migrations, in-memory SQLite.
- The callers are not known to be concurrent.

## Fix safety
None is offered beyond the advice: an engine at import, or a lock around the first call.

## References
- [functools.lru_cache](https://docs.python.org/3/library/functools.html#functools.lru_cache)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    harmless_pool,
    in_memory_database,
    in_migration,
    in_tests,
)
from poollint.rules.engine.reporting import assumed_confidence, verdict
from poollint.rules.engine.wording import call_name, per, sentence

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL113",
    name="lazy-init-race",
    summary="Several threads can make the engine of an unlocked lazy singleton at once",
    severity="info",
    confidence="medium",
    default=False,
    fix="suggestion",
)

_OWN_ENGINE_EACH = ("thread", "pid")


def unlocked_first_call(site: EngineSite) -> bool:
    """A cache without a lock keeps the engine, and it is shared between threads."""
    memo = site.memo
    return memo is not None and not memo.locked and not memo.value_cache and memo.keyed not in _OWN_ENGINE_EACH


def raced_for(site: EngineSite) -> bool:
    """Two runs of the first call can overlap."""
    if not unlocked_first_call(site) or not site.frequency.known or not site.frequency.concurrent:
        return False
    exemptions = (harmless_pool, in_memory_database, in_tests, in_migration)
    return not any(holds(site) for holds in exemptions)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each unlocked lazy engine of concurrent code."""
    return [
        verdict(
            METADATA,
            site,
            sentence(
                f"callers run {per(site.frequency)}, the first ones can each run {call_name(site)}",
                site.frequency.entry,
                "create it at import",
            ),
            Severity.INFO,
            assumed_confidence(site),
            fix_title="Create the engine at import, or lock the first call",
        )
        for site in sites.engines
        if raced_for(site)
    ]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
