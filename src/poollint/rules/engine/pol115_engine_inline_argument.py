"""## What it does
Finds `create_engine()` written as an argument of another call: `pd.read_sql(query, create_engine(url))`,
`Session(create_engine(url))`, `metadata.create_all(create_engine(url))`.

## Why it is bad
The engine has no name, so nothing can reuse it or dispose of it: its connection stays until the garbage collector runs.

## Example
```python
import pandas as pd
from sqlalchemy import create_engine

def report():
    return pd.read_sql("select 1", create_engine("postgresql+psycopg2://app@db/app"))
```

## Use instead
```python
import pandas as pd
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg2://app@db/app")

def report():
    return pd.read_sql("select 1", engine)
```
pandas also takes the URL as a string and then disposes of the engine that it makes; that reconnects on each call.

## When it stays quiet
- The code is known to run once, or stands at module level.
- The call hands the engine to an owner that can dispose of it, and no caller is known: info.
- Guards, memoisers, tests, migrations, scripts that end soon, in-memory SQLite; private functions that nobody calls.
- NullPool: info.

## Fix safety
Moving the engine to module level is unsafe, and held back for the reasons of POL101. Binding it to a name and disposing
of it in `finally` is left to a person.

## References
- [pandas.read_sql](https://pandas.pydata.org/docs/reference/api/pandas.read_sql.html)
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    builder_for_callers,
    disposed_always,
    escapes_to_owner,
    exempt,
    frequency_is_known,
    null_pool,
    runs_repeatedly,
    stored_per_database,
    unreferenced_private,
)
from poollint.rules.engine.reporting import (
    assumed_confidence,
    proven_confidence,
    repeated_message,
    repeated_severity,
    verdict,
)
from poollint.rules.engine.sharing import share, sharing_facts
from poollint.rules.engine.wording import call_name, clip, per, sentence

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL115",
    name="engine-inline-argument",
    summary="An engine without a name is an argument of another call",
    severity="error",
    confidence="high",
    fix="unsafe",
)

_INJECTED = (Holder.MODULE, Holder.CLASS_BODY, Holder.DEPENDENCY, Holder.DEFAULT_FACTORY)


def nameless(site: EngineSite) -> bool:
    """A call inside a function has the bare engine as its argument, and no exemption holds."""
    return (
        bool(site.inline_into)
        and site.holder not in _INJECTED
        and (runs_repeatedly(site) or not frequency_is_known(site))
        and not unreferenced_private(site)
        and not builder_for_callers(site)
        and not stored_per_database(site)
        and not exempt(site)
    )


def proven(site: EngineSite) -> bool:
    """A resolved chain runs the call again and again."""
    return runs_repeatedly(site) and frequency_is_known(site)


def severity(site: EngineSite) -> Severity:
    """Error where the call is proven to repeat, info where an owner of unknown callers gets the engine."""
    if proven(site):
        return repeated_severity(site, Severity.ERROR)
    owned = escapes_to_owner(site) or null_pool(site) or disposed_always(site)
    return Severity.INFO if owned else Severity.WARNING


def message(site: EngineSite) -> str:
    """Which call gets the engine, how often, and what to do."""
    if proven(site) and repeated_severity(site, Severity.ERROR) is Severity.INFO:
        return repeated_message(site)
    receiver = clip(site.inline_into.rsplit(".", 1)[-1].removesuffix("()"), 30)
    head = f"{call_name(site)} inside {receiver}() has no name"
    if proven(site):
        return sentence(f"{head} and runs {per(site.frequency)}", site.frequency.entry, _advice(site))
    return sentence(f"{head}, so nothing can dispose of it", "", _advice(site))


def _advice(site: EngineSite) -> str:
    if site.url_depends_on_parameters:
        return "name it and dispose of it"
    return "create it once"


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that is a bare argument."""
    return [
        verdict(
            METADATA,
            site,
            message(site),
            severity(site),
            proven_confidence(site) if proven(site) else assumed_confidence(site),
            chain=site.frequency.chain if proven(site) else (),
            fix_title="Bind the engine to a name and dispose of it, or create it once",
            fix_applicability="unsafe",
            facts=sharing_facts(sites, site),
        )
        for site in sites.engines
        if nameless(site)
    ]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=share)
