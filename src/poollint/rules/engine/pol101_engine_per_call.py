"""## What it does
Finds `create_engine()` and its relatives in a function that poollint can prove to run again and again in one process:
for each request, callback, task, message or item, or once in each thread. The chain from the place that makes it
repeat (a route, a callback registration, a loop in another file) to the call stands in the related places.

## Why it is bad
An engine owns a connection pool and is meant to live as long as the process. A dropped engine sits in reference cycles,
so its idle connections stay open until the cyclic garbage collector runs. Measured with 500 callbacks on 20 threads:
119 connections at the peak, all 500 with the collector off; the same program with one engine never has more than 15.
`pool_recycle` does not help, because it is looked at only when the same pool hands out a connection. Each new engine
also asks the server for its version again and starts with an empty cache of compiled statements.

## Example
```python
# database.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

def get_db_session():
    engine = create_engine("postgresql+psycopg2://app@db/app", pool_recycle=10)
    return sessionmaker(bind=engine)()
```
```python
# main.py
from concurrent.futures import ThreadPoolExecutor
from sqlalchemy import text
from database import get_db_session

def worker(number):
    with get_db_session() as session:
        session.execute(text("select 1"))
        session.commit()

with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(worker, range(500)))
```

## Use instead
```python
# database.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app", pool_recycle=10)
SessionLocal = sessionmaker(bind=engine)

def get_db_session():
    return SessionLocal()
```
```python
# main.py
from concurrent.futures import ThreadPoolExecutor
from sqlalchemy import text
from database import get_db_session

def worker(number):
    with get_db_session() as session:
        session.execute(text("select 1"))
        session.commit()

with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(worker, range(500)))
```
Where the URL is an argument (one database for each tenant), keep one engine per URL, or give the short-lived engine
`poolclass=NullPool` and dispose of it.

## When it stays quiet
- A guard on a global or an attribute, a memoiser (`functools.cache`) or a keyed cache keeps the engine.
- A loop that keeps what it makes under the keys that it goes over: one engine for each configured database.
- All known callers run once: module level, `main()`, an application factory, a start-up hook, a CLI command.
- Tests, migrations, scripts that end soon, in-memory SQLite (also as the default of a parameter that nobody passes).
- Only the dialect or URL of the engine is asked for (`statement.compile(engine)`): it never connects.
- Branches of one `if`, `match` or conditional expression: the first is reported, the others are related places.
- NullPool, or an engine that every path disposes of: reported as info, since nothing grows.
- No caller is known: POL102 looks at those.

## Fix safety
Moving the call to module level is unsafe: it changes when the engine is made. It goes below the imports and constants
that it reads, with its comments and the `sessionmaker` that the function builds on it. It is held back where an
argument is computed, local or set later, the name is taken, the function disposes of the engine, listens to it or
builds a `scoped_session` on it, or runs in a process or event loop of its own. Where only an argument is in the way, a
function that has no parameters and does nothing but return the engine gets `@functools.lru_cache(maxsize=None)`. A
`dispose()` that some paths skip goes into `finally`. Where the URL comes from the caller and nobody else gets the
engine, `poolclass=NullPool` keeps connections from piling up: what is left of the finding is information.

## References
- [SQLAlchemy: Engine basic usage](https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage)
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
- [SQLAlchemy: Connection pooling](https://docs.sqlalchemy.org/en/20/core/pooling.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder, Release
from poollint.rules.base import FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.disposing import disposed, reason_against_disposing
from poollint.rules.engine.exemptions import exempt, runs_repeatedly, stored_per_database
from poollint.rules.engine.reporting import proven_confidence, repeated_message, repeated_severity, verdict
from poollint.rules.engine.sharing import TITLE, reason_against_sharing, share_or_cache, sharing_facts
from poollint.rules.engine.short_lived import short_lived
from poollint.rules.engine.wording import remedy_title
from poollint.rules.pool.null_pool import TITLE as NULL_POOL
from poollint.rules.pool.null_pool import reason_against_null_pool, with_null_pool

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL101",
    name="engine-per-call",
    summary="An engine, and with it a connection pool, is made on every call of repeated code",
    severity="error",
    confidence="high",
    fix="unsafe",
)


def built_per_call(site: EngineSite) -> bool:
    """A plain function makes the engine, and a resolved chain calls it again and again."""
    return (
        site.holder is Holder.FUNCTION and runs_repeatedly(site) and not stored_per_database(site) and not exempt(site)
    )


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that is built per call."""
    return [
        verdict(
            METADATA,
            site,
            repeated_message(site),
            repeated_severity(site, Severity.ERROR),
            proven_confidence(site),
            fix_title=_fix_title(site),
            fix_applicability=_applicability(site),
            facts=_facts(sites, site),
        )
        for site in sites.engines
        if built_per_call(site)
    ]


_DISPOSE_TITLE = "Dispose of the engine in a finally block"
_LIKES_NULL_POOL, _AGAINST_NULL_POOL, _DISPOSES = "null pool", "against null pool", "disposes"


def _fix_title(site: EngineSite) -> str:
    if not site.url_depends_on_parameters:
        return remedy_title(site) if reason_against_sharing(site) else TITLE
    return NULL_POOL if _applicability(site) == "unsafe" else remedy_title(site)


def _applicability(site: EngineSite) -> str:
    is_null_pool = short_lived(site) and not reason_against_null_pool(site)
    return "unsafe" if is_null_pool or not site.url_depends_on_parameters else "display"


def _facts(sites: ProgramSites, site: EngineSite) -> FixFacts:
    """What `fix` needs to know: of one engine for all, of an end that is there already, and of NullPool."""
    shared = sharing_facts(sites, site)
    names = list(shared.names)
    places = list(shared.places)
    if site.release is Release.HAPPY_PATH and site.leaks and not reason_against_disposing(site):
        names.append((_DISPOSES, "async" if site.is_async else "sync"))
        places.append(("made", site.span))
    if short_lived(site):
        names += [(_LIKES_NULL_POOL, "yes"), (_AGAINST_NULL_POOL, reason_against_null_pool(site))]
    return FixFacts(shared.kind, tuple(names), tuple(places))


def fix(target: FixTarget) -> Proposal | Refusal:
    """One engine for all calls; else `dispose()` on every path where it is called on one; else no pool."""
    from msgspec.structs import replace

    from poollint.editing.proposal import Refusal
    from poollint.findings import Applicability

    answer = share_or_cache(target)
    facts = target.verdict.facts
    made = facts.place("made")
    if isinstance(answer, Refusal) and made is not None:
        disposing = disposed(target, made, facts.name(_DISPOSES) == "async", _DISPOSE_TITLE)
        if not isinstance(disposing, Refusal):
            return replace(disposing, applicability=Applicability.UNSAFE)
    if isinstance(answer, Refusal) and facts.name(_LIKES_NULL_POOL):
        return with_null_pool(target, facts.name(_AGAINST_NULL_POOL))
    return answer


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=fix)
