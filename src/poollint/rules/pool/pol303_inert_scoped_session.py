"""## What it does
Finds a `scoped_session` that a function makes for itself: it is called, used or handed out there and made anew by the
next call. It also finds one that is made from a session or from another registry instead of a factory.

## Why it is bad
Two calls make two registries, and so two sessions, also in one thread (measured): nothing is shared and nothing is
local to the thread. The session has to be closed as any other; `remove()` of the next registry does not reach it.

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def get_session():
    return scoped_session(SessionLocal)()
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))
Session = scoped_session(SessionLocal)

def get_session():
    return Session()
```

## When it stays quiet
- The function returns the registry itself, or stores it: its owner keeps it.
- The registry is passed to other code.
- The engine is made on every call too, and that code is known to run again and again: POL313 judges the pair.
- All known callers run once. Tests and migrations.

## Fix safety
`scoped_session(factory)()` to `factory()` is safe: the session is a new one either way. It is held back where the
function gives the engine a NullPool. Keeping one registry is for a person to decide.

## References
- [SQLAlchemy: Contextual/Thread-local Sessions](https://docs.sqlalchemy.org/en/20/orm/contextual.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.lifetimes.registry_sites import Kept, MadeFrom
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import null_pool
from poollint.rules.engine.wording import as_call
from poollint.rules.pool.exemptions import handed_on, in_tests, is_repeated, runs_once
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.registry_sites import RegistrySite
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL303",
    name="inert-scoped-session",
    summary="A scoped_session is made for one call and shares nothing",
    severity="warning",
    confidence="high",
    fix="safe",
)


def inert(site: RegistrySite) -> bool:
    """Made by a function for its own use: the next call makes another one."""
    if site.kept is not Kept.LOCAL or not site.symbol or handed_on(site) or runs_once(site.frequency):
        return False
    return not site.engine_per_call


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each registry that keeps nothing, or is made from the wrong thing."""
    found = []
    for site in sites.kept.registries:
        if in_tests(site):
            continue
        if site.made_from in (MadeFrom.SESSION, MadeFrom.REGISTRY):
            found.append(
                _verdict(sites, site, f"{as_call(site.spelled)} is given {site.made_from.value}, not a factory")
            )
        elif inert(site):
            found.append(
                _verdict(sites, site, f"{as_call(site.spelled)} is made anew on every call and shares nothing")
            )
    return found


def _verdict(sites: ProgramSites, site: RegistrySite, head: str) -> Verdict:
    wrong = site.made_from is not MadeFrom.FACTORY and site.made_from is not MadeFrom.ASYNC_FACTORY
    return kept_verdict(
        METADATA,
        site.span,
        site.symbol,
        head,
        "pass the sessionmaker" if wrong else "make it once at module level, or call the factory",
        entry=site.frequency.entry if is_repeated(site.frequency) else "",
        chain=site.frequency.chain if is_repeated(site.frequency) else (),
        fix_title="Call the factory itself" if site.called_here else "Make the registry once",
        fix_applicability="safe" if site.called_here and not wrong else "display",
        facts=FixFacts(names=(("against", _reason_against(sites, site, wrong)),)),
    )


def _reason_against(sites: ProgramSites, site: RegistrySite, wrong: bool) -> str:
    if wrong or not site.called_here:
        return _OTHERWISE
    return "it is half of a pair with the NullPool of its engine" if breaks_a_pair(sites, site) else ""


def breaks_a_pair(sites: ProgramSites, site: RegistrySite) -> bool:
    """The function gives its engine a NullPool: the registry is the other half of the pair that POL313 judges."""
    here = (site.span.path, site.symbol)
    return any((each.span.path, each.symbol) == here and null_pool(each) for each in sites.engines)


def fix(target: FixTarget) -> Proposal | Refusal:
    """Calls the factory in place of a registry that is made for one call."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, reason = target.tree, target.verdict.facts.name("against")
    made = target.node(cst.Call)
    called = tree.parents.get(made) if made is not None else None
    if reason or made is None or not isinstance(called, cst.Call) or called.func is not made:
        return Refusal(reason or _OTHERWISE)
    first = made.args[0] if made.args else None
    if first is None or first.star or first.keyword is not None:
        return Refusal("the factory is not its first argument")
    if not isinstance(first.value, (cst.Name, cst.Attribute, cst.Call)) or made.lpar:
        return Refusal("the factory is not a plain name or call")
    return Proposal(target.verdict.fix_title, Applicability.SAFE, (tree.replace(made, tree.text(first.value)),))


_OTHERWISE = "where the registry is to be kept is for a person to decide"


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
