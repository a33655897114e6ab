"""## What it does
Finds module-level engines with the same URL and the same settings, in one file or across files.

## Why it is bad
Each of them is a pool of its own: the program needs twice the connections, and a budget that counts one pool is wrong.

## Example
```python
from sqlalchemy import create_engine

reading = create_engine("postgresql+psycopg2://app@db/app")
writing = create_engine("postgresql+psycopg2://app@db/app")
```

## Use instead
```python
from sqlalchemy import create_engine

writing = create_engine("postgresql+psycopg2://app@db/app")
reading = writing.execution_options(isolation_level="AUTOCOMMIT")
```
`execution_options()` gives a second engine on the same pool. In another file, import the first engine.

## When it stays quiet
- The URLs are not constant, or the settings differ.
- Two scripts that each run in a process of their own.
- NullPool and in-memory SQLite; tests, migrations.
- It is info: shown with `--select POL114`.

## Fix safety
None is offered beyond the advice: the import can close a circle between modules.

## References
- [SQLAlchemy: Connections and isolation levels](https://docs.sqlalchemy.org/en/20/core/connections.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import in_memory_database, in_migration, in_tests, null_pool, one_shot_script
from poollint.rules.engine.reporting import assumed_confidence, verdict
from poollint.rules.engine.wording import place, sentence

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites, Span

METADATA = Metadata(
    code="POL114",
    name="duplicate-engine",
    summary="A second module-level engine repeats the URL and settings of another",
    severity="info",
    confidence="medium",
    fix="suggestion",
)


def pooled(site: EngineSite) -> bool:
    """The engine keeps connections to a server, in code that stays."""
    exemptions = (null_pool, in_memory_database, in_tests, in_migration)
    return not any(holds(site) for holds in exemptions)


def first_twin(site: EngineSite, scripts: frozenset[str]) -> Span | None:
    """The engine that `site` repeats in the same process, or None when there is none or `site` comes first."""
    together = [twin for twin in site.twins if twin.path == site.span.path or not {twin.path, site.span.path} & scripts]
    first = min(together, default=site.span)
    return first if first < site.span else None


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for the second and each later engine of a URL."""
    scripts = frozenset(site.span.path for site in sites.engines if one_shot_script(site))
    repeats = ((site, first_twin(site, scripts)) for site in sites.engines if pooled(site))
    return [_verdict(site, first) for site, first in repeats if first is not None]


def _verdict(site: EngineSite, first: Span) -> Verdict:
    return verdict(
        METADATA,
        site,
        sentence(f"a second pool for the URL of the engine at {place(first)}", "", "import that engine"),
        Severity.INFO,
        assumed_confidence(site),
        chain=(Step(first, "the first engine for this URL"),),
        fix_title="Import the first engine",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
