"""## What it does
Finds a cache of engines whose key comes from a parameter and which never evicts anything: a dictionary keyed by tenant,
user or URL, `functools.cache`, `lru_cache(maxsize=None)`.

## Why it is bad
Each new key adds a connection pool for good. With the default pool, N keys can hold N x 15 connections, and as many
idle ones as were ever used at once; the callers decide how large N gets.

## Example
```python
from sqlalchemy import create_engine

_engines = {}

def engine_for(tenant_url):
    if tenant_url not in _engines:
        _engines[tenant_url] = create_engine(tenant_url)
    return _engines[tenant_url]
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

_engines = {}

def engine_for(tenant_url):
    if tenant_url not in _engines:
        _engines[tenant_url] = create_engine(tenant_url, poolclass=NullPool)
    return _engines[tenant_url]
```
Or bound the map and dispose of what it evicts, or use one engine with `schema_translate_map` for the tenants.

## When it stays quiet
- The cache evicts (POL110 looks at that) or disposes of what leaves it.
- NullPool. A pool of one or two connections without overflow: info.
- The key does not depend on a parameter: a fixed set from the configuration.
- Tests, migrations, scripts that end soon, in-memory SQLite.
- poollint cannot see how many keys there are, and most such caches hold one or two URLs: the confidence is low, so
  it is shown with `--select POL109` only.

## Fix safety
None is offered beyond the advice: which tenants deserve a pool is a design decision.

## References
- [SQLAlchemy: Connection pooling](https://docs.sqlalchemy.org/en/20/core/pooling.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    in_memory_database,
    in_migration,
    in_tests,
    null_pool,
    one_shot_script,
    tiny_pool,
)
from poollint.rules.engine.reporting import verdict
from poollint.rules.engine.wording import sentence, symbol_name

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, Memo, ProgramSites

METADATA = Metadata(
    code="POL109",
    name="engine-cache-unbounded",
    summary="A cache keeps one engine for every key that its callers choose, and never evicts",
    severity="warning",
    confidence="low",
    fix="suggestion",
)

_KEYS_OF_CALLERS = ("args", "key")


def grows_with_keys(memo: Memo) -> bool:
    """Callers choose the key, and nothing leaves the cache."""
    return (
        memo.keyed in _KEYS_OF_CALLERS
        and memo.request_key
        and not memo.evicts
        and not memo.disposes
        and not memo.value_cache
    )


def cached_without_bound(site: EngineSite) -> bool:
    """Such a cache holds pooled engines of a server database in code that stays."""
    if site.memo is None or not grows_with_keys(site.memo):
        return False
    exemptions = (null_pool, in_memory_database, in_tests, in_migration, one_shot_script)
    return not any(holds(site) for holds in exemptions)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each cache without bound, at the engine that it holds."""
    return [
        verdict(
            METADATA,
            site,
            sentence(
                f"{symbol_name(site.symbol)} keeps one engine per key and never drops any",
                "",
                "use NullPool, or evict and dispose",
            ),
            Severity.INFO if tiny_pool(site) else Severity.WARNING,
            Confidence.LOW,
            fix_title="Give the cached engines NullPool, or bound the cache and dispose of evicted engines",
        )
        for site in sites.engines
        if cached_without_bound(site)
    ]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
