"""## What it does
Finds an engine that some path through its function leaves without the `dispose()` that another path has: because a
line raises, or by an early return. The message names the line.

## Why it is bad
The first exception between the two lines leaves the engine, with its idle connections, to the garbage collector: the
clean-up is missing exactly when the program is in trouble.

## Example
```python
from sqlalchemy import create_engine, text

def probe():
    engine = create_engine("postgresql+psycopg2://app@db/app")
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    engine.dispose()
```

## Use instead
```python
from sqlalchemy import create_engine, text

def probe():
    engine = create_engine("postgresql+psycopg2://app@db/app")
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    finally:
        engine.dispose()
```

## When it stays quiet
- `dispose()` runs after a failure only (`except: engine.dispose(); raise`), or there and at the end.
- Nothing has taken a connection yet on that path: the pool is empty, whatever is built on the engine.
- `dispose()` stands in a `finally`, or belongs to an ExitStack, a finalizer or a clean-up of the test framework.
- NullPool and in-memory SQLite; tests, migrations, scripts that end soon.
- It is info: shown with `--select POL108`. POL101 and its kin win where they report the same engine.

## Fix safety
Moving `dispose()` into a `finally` is safe for a local engine: on the normal path it runs at the same place. It is done
where the call stands in the block that makes the engine, and is the only one.

## References
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Release, Step
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.disposing import dispose_in_finally, disposing_facts
from poollint.rules.engine.exemptions import exempt, null_pool, unreferenced_private
from poollint.rules.engine.reporting import unhinted_confidence, verdict
from poollint.rules.engine.wording import call_name, place, sentence, skipped_words

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites, Span

METADATA = Metadata(
    code="POL108",
    name="dispose-not-guaranteed",
    summary="dispose() is skipped when an earlier line raises",
    severity="info",
    confidence="high",
    fix="safe",
)


def disposed_on_happy_path(site: EngineSite) -> bool:
    """dispose() exists, and an exception skips it."""
    return (
        site.release is Release.HAPPY_PATH
        and not null_pool(site)
        and not unreferenced_private(site)
        and not exempt(site)
    )


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each dispose() that an exception skips, at that call."""
    return [_verdict(site, site.dispose_span or site.span) for site in sites.engines if disposed_on_happy_path(site)]


def _verdict(site: EngineSite, span: Span) -> Verdict:
    head = f"{skipped_words(site)}, for the engine made at {place(site.span)}"
    return verdict(
        METADATA,
        site,
        sentence(head, "", "move it into finally"),
        Severity.INFO,
        unhinted_confidence(site),
        span=span,
        chain=(Step(site.span, f"{call_name(site)} makes the engine"),),
        fix_title="Move dispose() into a finally block",
        fix_applicability="safe",
        facts=disposing_facts(site),
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=dispose_in_finally)
