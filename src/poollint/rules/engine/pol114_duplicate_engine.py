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
- NullPool and in-memory SQLite; tests, migrations, scripts that end soon.
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
from poollint.rules.engine.exemptions import exempt, null_pool
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


def first_twin(site: EngineSite) -> Span | None:
    """The engine that `site` repeats, or None when `site` has no twin or is the first of them."""
    if not site.twins or null_pool(site) or exempt(site):
        return None
    first = min(site.twins)
    return first if first < site.span else None


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for the second and each later engine of a URL."""
    repeats = ((site, first_twin(site)) for site in sites.engines)
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
