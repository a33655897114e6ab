"""## What it does
Finds a class whose `__init__` makes an engine, and which is known to be instantiated again and again: in a request
handler, a task, a loop, or by a dependency.

## Why it is bad
Each object brings its own connection pool: 30 objects hold 30 server connections. The pools of dropped objects stay
until the garbage collector runs.

## Example
```python
from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)

class Repository:
    def __init__(self):
        self.engine = create_engine("postgresql+psycopg2://app@db/app")

    def count(self):
        with self.engine.connect() as connection:
            return connection.execute(text("select count(*) from t")).scalar()

@app.get("/")
def view():
    return str(Repository().count())
```

## Use instead
```python
from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
ENGINE = create_engine("postgresql+psycopg2://app@db/app")

class Repository:
    def __init__(self, engine=ENGINE):
        self.engine = engine

    def count(self):
        with self.engine.connect() as connection:
            return connection.execute(text("select count(*) from t")).scalar()

@app.get("/")
def view():
    return str(Repository().count())
```

## When it stays quiet
- The class is instantiated once: at module level, in an application factory, as middleware, extension, pipeline or task
  class of a framework.
- Instances are not known to repeat: info. One instance for each thread: warning instead of error.
- `__init__` takes the engine from a guard, a memoiser or a keyed cache.
- The class disposes of its engine and is always used in a `with`; NullPool: info.
- Tests, migrations, scripts that end soon, in-memory SQLite (also as the default of a URL that no caller passes).
- Callers that pass an object where only a text makes an engine: `if isinstance(source, str):`.

## Fix safety
None is offered beyond the advice: the constructor's signature changes for its callers.

## References
- [SQLAlchemy: Engine basic usage](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder, Times
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import (
    disposed_always,
    exempt,
    frequency_is_settled,
    null_pool,
    runs_repeatedly,
    stored_per_database,
    unreferenced_private,
)
from poollint.rules.engine.reporting import assumed_confidence, proven_confidence, repeated_severity, verdict
from poollint.rules.engine.wording import call_name, clip, per, sentence, symbol_name

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL105",
    name="engine-per-instance",
    summary="Each instance of a class makes its own engine",
    severity="error",
    confidence="medium",
    fix="suggestion",
)


def built_per_instance(site: EngineSite) -> bool:
    """`__init__` makes the engine, and instances repeat or are not known to be single."""
    return (
        site.holder is Holder.INIT
        and (runs_repeatedly(site) or not frequency_is_settled(site))
        and not unreferenced_private(site)
        and not stored_per_database(site)
        and not exempt(site)
    )


def severity(site: EngineSite) -> Severity:
    """Error where instances are many, warning for one a thread, info where nothing is known."""
    if not runs_repeatedly(site):
        return Severity.WARNING if site.dead_guard and not null_pool(site) else Severity.INFO
    return repeated_severity(site, Severity.ERROR if site.frequency.times is Times.MANY else Severity.WARNING)


def message(site: EngineSite) -> str:
    """Which class, how often it is instantiated, and what to do."""
    name = clip(site.class_name.rsplit(".", 1)[-1], 40) or "the class"
    if not runs_repeatedly(site):
        return sentence(f"each {name} object makes a pool with {call_name(site)}", "", "pass one shared engine in")
    method = symbol_name(site.symbol).removesuffix("()")
    head = f"{name} makes an engine in {method} {per(site.frequency)}"
    if disposed_always(site):
        head = f"{name} connects and disposes {per(site.frequency)}"
    return sentence(head, site.frequency.entry, _advice(site))


def _advice(site: EngineSite) -> str:
    if site.dead_guard:
        return f"assign the engine to {clip(site.dead_guard, 40)}, not to a local"
    if site.url_depends_on_parameters:
        return "keep one engine per URL and pass it in"
    return "pass one shared engine in"


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that comes with every instance."""
    return [
        verdict(
            METADATA,
            site,
            message(site),
            severity(site),
            proven_confidence(site) if runs_repeatedly(site) else assumed_confidence(site),
            fix_title="Make the engine once and pass it to the objects",
        )
        for site in sites.engines
        if built_per_instance(site)
    ]


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
