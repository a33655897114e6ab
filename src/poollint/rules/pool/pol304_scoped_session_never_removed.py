"""## What it does
Finds a `scoped_session` that requests, events or threads use and that nothing removes: no `remove()` or `close()` in
the whole program. It also finds one whose `remove()` is bound to a hook that does not run for some entry point, such as
Flask's `after_request` for Socket.IO events.

## Why it is bad
A registry keeps one session for each thread. Without `remove()` every thread of the pool keeps its connection idle in a
transaction: 4 worker threads hold 4 connections (measured), and the memory of the thread's objects with them. Each
request also goes on in the transaction of the request before it and reads outdated rows.

## Example
```python
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

app = Flask(__name__)
Session = scoped_session(sessionmaker(create_engine("postgresql+psycopg2://app@db/app")))

@app.get("/orders")
def orders():
    return str(Session.execute(text("select count(*) from orders")).scalar())
```

## Use instead
```python
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

app = Flask(__name__)
Session = scoped_session(sessionmaker(create_engine("postgresql+psycopg2://app@db/app")))

@app.get("/orders")
def orders():
    return str(Session.execute(text("select count(*) from orders")).scalar())

@app.teardown_appcontext
def remove_session(error=None):
    Session.remove()
```

## When it stays quiet
- Something outside of the tests removes or closes the session, also through another name or as an argument.
- The registry is passed to code that nothing is known of, or made known to a library (`zope.sqlalchemy.register`).
- Every function that uses it commits, rolls back or closes before each of its ends.
- Nothing that runs side by side is known to use it.
- The clean-up is reached in a way that poollint does not understand.

## Fix safety
Where the hook goes is for a person to decide, so nothing is edited.

## References
- [SQLAlchemy: Using thread-local scope with web applications](https://docs.sqlalchemy.org/en/20/orm/contextual.html#using-thread-local-scope-with-web-applications)
- [Flask: SQLAlchemy in Flask](https://flask.palletsprojects.com/en/stable/patterns/sqlalchemy/)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence
from poollint.program.sites import Step
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.engine.wording import symbol_name
from poollint.rules.pool.exemptions import handed_on, in_tests, is_concurrent, outlives_calls
from poollint.rules.pool.reporting import kept_verdict, occasion, registry_name

if TYPE_CHECKING:
    from poollint.program.lifetimes.registry_sites import Gap, RegistrySite, RegistryUse
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL304",
    name="scoped-session-never-removed",
    summary="A scoped_session is used by requests or threads, and nothing removes its sessions",
    severity="warning",
    confidence="medium",
    fix="suggestion",
)

_OF_A_LOOP = "iteration"
_SCOPES = {"request": "request", "dependency": "request", "event": "event", "job": "job", "thread": "thread"}


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each registry that nothing ever removes, and for each entry point that the clean-up misses."""
    found = []
    for site in sites.kept.registries:
        if site.is_async or in_tests(site) or handed_on(site) or not outlives_calls(site):
            continue
        users = [use for use in site.uses if use.takes and is_concurrent(use) and not use.coroutine]
        if not site.removals and any(not use.ends for use in users):
            found.append(_never(site, _plainest([use for use in users if not use.ends])))
        elif site.removals and users:
            found.extend(_not_everywhere(site, gap) for gap in site.gaps)
    return found


def _plainest(users: list[RegistryUse]) -> RegistryUse:
    """The first one that runs once per request or the like; else the first one that a loop repeats."""
    return next((use for use in users if use.frequency.unit != _OF_A_LOOP), users[0])


def scope_around_loop(use: RegistryUse) -> str:
    """What the loop runs in, where only a loop repeats the use: the end of that is where remove() belongs."""
    contexts = use.frequency.contexts if use.frequency.unit == _OF_A_LOOP else frozenset()
    return next((unit for context, unit in _SCOPES.items() if context in contexts), "")


def _never(site: RegistrySite, use: RegistryUse) -> Verdict:
    around = scope_around_loop(use)
    unit = around or occasion(use.frequency)
    return kept_verdict(
        METADATA,
        site.span,
        site.symbol,
        f"{registry_name(site)} is used {'in each' if around else 'once per'} {unit} and never removed",
        f"call remove() when the {unit} ends",
        confidence=Confidence.MEDIUM,
        entry="" if around else use.frequency.entry,
        chain=(*use.frequency.chain, Step(use.span, f"{use.symbol}() takes a connection that nothing gives back")),
        fix_title="Remove the session when its scope ends",
    )


def _not_everywhere(site: RegistrySite, gap: Gap) -> Verdict:
    return kept_verdict(
        METADATA,
        gap.span,
        gap.symbol,
        f"{symbol_name(gap.symbol)} uses {registry_name(site)}, and {gap.hook} does not run after it",
        "call remove() here too",
        confidence=Confidence.MEDIUM,
        chain=(
            Step(gap.span, f"{gap.symbol}() runs once per {gap.unit}"),
            Step(gap.hook_span, f"the clean-up runs in {gap.hook} only"),
            Step(site.span, "the registry keeps the session of the thread"),
        ),
        fix_title="Remove the session when this entry point ends, too",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
