"""## What it does
Finds repeated calls of an API that makes an engine without saying so: `PostgresHook(...).get_sqlalchemy_engine()`,
`SQLDatabase.from_uri(url)`, `databases.Database(url)`, an application factory with its own Flask-SQLAlchemy.

## Why it is bad
The call looks like a look-up, but each one makes an engine with its own connection pool, exactly as in POL101.

## Example
```python
from airflow.providers.postgres.hooks.postgres import PostgresHook
from sqlalchemy import text

def load(numbers):
    for number in numbers:
        engine = PostgresHook("db").get_sqlalchemy_engine()
        with engine.begin() as connection:
            connection.execute(text("insert into t values (:x)"), {"x": number})
```

## Use instead
```python
from airflow.providers.postgres.hooks.postgres import PostgresHook
from sqlalchemy import text

def load(numbers):
    engine = PostgresHook("db").get_sqlalchemy_engine()
    try:
        for number in numbers:
            with engine.begin() as connection:
                connection.execute(text("insert into t values (:x)"), {"x": number})
    finally:
        engine.dispose()
```

## When it stays quiet
- The call is not known to repeat. Once per process, as in an Airflow task, and never disposed of: info.
- The same pass of a loop stores or disposes of the engine, or calls handlers of an event, each of them once.
- Guards, memoisers, tests, migrations, scripts that end soon, in-memory SQLite.
- Every path disposes of the engine, or NullPool: info.
- In a loop of the same function POL103 reports the call.

## Fix safety
None is offered beyond the advice: the object that owns the engine has to be shared.

## References
- [SQLAlchemy: Engine basic usage](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Release, Times
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    exempt,
    frequency_is_known,
    harmless_pool,
    runs_repeatedly,
    stored_per_database,
)
from poollint.rules.engine.reporting import (
    proven_confidence,
    repeated_message,
    repeated_severity,
    unhinted_confidence,
    verdict,
)
from poollint.rules.engine.wording import call_name, sentence

if TYPE_CHECKING:
    from poollint.findings import Confidence
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL116",
    name="hidden-engine-factory",
    summary="A call that hides an engine runs again and again",
    severity="warning",
    confidence="high",
    fix="suggestion",
)


def repeated_in_loop(site: EngineSite) -> bool:
    """A loop of the same function repeats the call and drops the engine."""
    return site.loop is not None and not site.loop.stored


def left_in_process(site: EngineSite) -> bool:
    """One run a process, as in a worker's task, leaves its engine behind."""
    frequency = site.frequency
    return (
        frequency_is_known(site)
        and frequency.times is Times.PER_PROCESS
        and bool(frequency.contexts)
        and site.release is Release.NEVER
        and not site.escapes
        and not harmless_pool(site)
    )


def hidden_and_repeated(site: EngineSite) -> bool:
    """The factory hides an engine, and the call repeats or leaves the engine in a worker process."""
    if not site.hidden or exempt(site) or stored_per_database(site):
        return False
    return runs_repeatedly(site) or repeated_in_loop(site) or left_in_process(site)


def severity(site: EngineSite) -> Severity:
    """Warning where the call repeats, info where it only leaves one engine."""
    if runs_repeatedly(site) or repeated_in_loop(site):
        return repeated_severity(site, Severity.WARNING)
    return Severity.INFO


def confidence(site: EngineSite) -> Confidence:
    """As sure as the chain, or as the syntax of the loop."""
    return unhinted_confidence(site) if repeated_in_loop(site) else proven_confidence(site)


def message(site: EngineSite) -> str:
    """What is hidden, how often it runs, and what to do."""
    name = call_name(site)
    if runs_repeatedly(site):
        return repeated_message(site)
    if repeated_in_loop(site):
        return sentence(f"{name} makes an engine in each pass of the loop", "", "call it once above the loop")
    return sentence(f"{name} makes an engine that nothing disposes of", "", "dispose of it when the task ends")


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each repeated call that hides an engine."""
    return [
        verdict(
            METADATA,
            site,
            message(site),
            severity(site),
            confidence(site),
            fix_title="Call it once and share the engine",
        )
        for site in sites.engines
        if hidden_and_repeated(site)
    ]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
