"""## What it does
Finds a provider that a framework calls for every request (`Depends(get_engine)`, `Provide(get_engine)`,
`providers.Factory(create_engine)`) or for every object (`field(default_factory=...)`) and that makes an engine.

## Why it is bad
Injection looks like sharing, but the provider runs each time: every request gets its own connection pool. FastAPI's
`use_cache=True` only caches within one request.

## Example
```python
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine

app = FastAPI()

def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")

@app.get("/")
def index(engine=Depends(get_engine)):
    return {"pool": engine.pool.size()}
```

## Use instead
```python
import functools
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine

app = FastAPI()

@functools.lru_cache(maxsize=None)
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")

@app.get("/")
def index(engine=Depends(get_engine)):
    return {"pool": engine.pool.size()}
```

## When it stays quiet
- The provider is memoised, guarded, or declared as cached or as a singleton.
- A default factory of a class whose instances are not known to repeat: info.
- Every path disposes of the engine, or NullPool: info.
- Tests, migrations, scripts that end soon, in-memory SQLite.

## Fix safety
`@functools.lru_cache(maxsize=None)` on a provider without parameters that does nothing but return the engine is unsafe:
the engine outlives the request. Another provider gets its engine from module level, as POL101 says. A default factory,
and `providers.Singleton` in place of `providers.Factory`, are left to a person.

## References
- [FastAPI: Dependencies](https://fastapi.tiangolo.com/tutorial/dependencies/)
- [SQLAlchemy: Engine basic usage](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    disposed_always,
    exempt,
    frequency_is_known,
    null_pool,
    runs_repeatedly,
)
from poollint.rules.engine.reporting import assumed_confidence, proven_confidence, repeated_severity, verdict
from poollint.rules.engine.sharing import cache_or_share, sharing_facts
from poollint.rules.engine.wording import call_name, per, sentence

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL106",
    name="engine-injected-per-request",
    summary="An injected provider makes an engine for every request or object",
    severity="error",
    confidence="high",
    fix="unsafe",
)


def injected_per_call(site: EngineSite) -> bool:
    """A dependency that repeats, or a default factory that is not known to run once."""
    if exempt(site):
        return False
    if site.holder is Holder.DEPENDENCY:
        return runs_repeatedly(site)
    return site.holder is Holder.DEFAULT_FACTORY and (runs_repeatedly(site) or not frequency_is_known(site))


def message(site: EngineSite) -> str:
    """What injects, how often, and what to do."""
    name = call_name(site)
    if not runs_repeatedly(site):
        return sentence(f"the default factory runs {name} for each object", "", "share one engine")
    verb = "is injected, connects and disposes" if disposed_always(site) else "is injected and runs"
    return sentence(f"{name} {verb} {per(site.frequency)}", site.frequency.entry, _advice(site))


def _advice(site: EngineSite) -> str:
    if null_pool(site):
        return "NullPool reconnects on every call"
    if site.inline_into.endswith("providers.Factory"):
        return "use providers.Singleton"
    if site.holder is Holder.DEFAULT_FACTORY:
        return "share one engine"
    return "create it once and inject that"


def _fix_title(site: EngineSite) -> str:
    if site.inline_into.endswith("providers.Factory"):
        return "Replace providers.Factory with providers.Singleton"
    if site.holder is Holder.DEFAULT_FACTORY:
        return "Share one engine between the objects"
    return "Decorate the provider with @functools.lru_cache(maxsize=None)"


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that is injected anew."""
    return [
        verdict(
            METADATA,
            site,
            message(site),
            repeated_severity(site, Severity.ERROR) if runs_repeatedly(site) else Severity.INFO,
            proven_confidence(site) if runs_repeatedly(site) else assumed_confidence(site),
            fix_title=_fix_title(site),
            fix_applicability="display" if site.holder is Holder.DEFAULT_FACTORY else "unsafe",
            facts=sharing_facts(sites, site, "" if site.holder is Holder.DEPENDENCY else "default factory"),
        )
        for site in sites.engines
        if injected_per_call(site)
    ]


def fix(target: FixTarget) -> Proposal | Refusal:
    """Lets the provider keep its engine; a default factory is left to a person."""
    from poollint.editing.proposal import Refusal

    if target.verdict.facts.kind:
        return Refusal("it is not clear how long the objects live that are made with it")
    return cache_or_share(target)


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=fix)
