"""## What it does
Finds engines in a cache that evicts: `lru_cache(maxsize=N)` on a function with parameters, `ttl_cache`, `TTLCache` and
`LRUCache` without disposal.

## Why it is bad
Eviction drops the reference and nothing else: the idle connections of the engine stay until the garbage collector runs,
and the next call with the same key opens new ones.

## Example
```python
import functools
from sqlalchemy import create_engine

@functools.lru_cache(maxsize=8)
def engine_for(url):
    return create_engine(url)
```

## Use instead
```python
import functools
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

@functools.lru_cache(maxsize=8)
def engine_for(url):
    return create_engine(url, poolclass=NullPool)
```
Or a cache whose eviction calls `dispose()`.

## When it stays quiet
- The function has no parameters: a cache with one key never evicts.
- Evicted engines are disposed of; NullPool.
- `lru_cache` with 128 places (its default) or more: info.
- Tests, migrations, scripts that end soon, in-memory SQLite.

## Fix safety
`maxsize=None` is unsafe: the cache then grows with every key. The other cures need a choice, so they are suggestions.

## References
- [functools.lru_cache](https://docs.python.org/3/library/functools.html#functools.lru_cache)
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import in_memory_database, in_migration, in_tests, null_pool, one_shot_script
from poollint.rules.engine.reporting import unhinted_confidence, verdict
from poollint.rules.engine.wording import clip, sentence

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, Memo, ProgramSites

METADATA = Metadata(
    code="POL110",
    name="engine-cache-evicts-undisposed",
    summary="A cache evicts engines without disposing of them",
    severity="warning",
    confidence="high",
    fix="suggestion",
)

ROOMY = 128
"""Places of a default lru_cache. As many different databases in one process are rare."""


def evicts_undisposed(memo: Memo) -> bool:
    """More keys than places are possible, and eviction only drops the reference."""
    return memo.parameters > 0 and memo.evicts and not memo.disposes and not memo.value_cache


def cached_with_eviction(site: EngineSite) -> bool:
    """Such a cache holds pooled engines of a server database in code that stays."""
    if site.memo is None or not evicts_undisposed(site.memo):
        return False
    exemptions = (null_pool, in_memory_database, in_tests, in_migration, one_shot_script)
    return not any(holds(site) for holds in exemptions)


def severity(memo: Memo) -> Severity:
    """Info where eviction is unlikely."""
    return Severity.INFO if memo.maxsize is not None and memo.maxsize >= ROOMY else Severity.WARNING


def _verdict(site: EngineSite, memo: Memo) -> Verdict:
    name = clip(memo.fqn.rsplit(".", 1)[-1] or "the cache", 40)
    size = "" if memo.maxsize is None else f"(maxsize={memo.maxsize})"
    return verdict(
        METADATA,
        site,
        sentence(f"{name}{size} evicts engines without dispose()", "", "use NullPool, or dispose of evicted engines"),
        severity(memo),
        unhinted_confidence(site),
        fix_title="Dispose of evicted engines, or use NullPool",
    )


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each cache that evicts, at the engine that it holds."""
    return [_verdict(site, site.memo) for site in sites.engines if site.memo is not None and cached_with_eviction(site)]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
