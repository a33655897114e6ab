"""## What it does
Finds a session factory, registry or engine that is used as if it were a session: `with SessionLocal as s`,
`with engine as c`, `SessionLocal.execute(...)`, `Registry().remove()`, `s = Registry.remove()`.

## Why it is bad
A `sessionmaker` has no `__enter__` and no `execute`; an engine and a `scoped_session` have no `__enter__`; the session
that `Registry()` gives has no `remove()`. Each raises TypeError or AttributeError in every version (measured). In a
`finally` the error also hides the one before it, and the session stays in the registry.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def count():
    with SessionLocal as session:
        return session.execute(text("select count(*) from orders")).scalar()
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

def count():
    with SessionLocal() as session:
        return session.execute(text("select count(*) from orders")).scalar()
```

## When it stays quiet
- The name can hold something else on another path.
- The methods that a `sessionmaker` has: `begin`, `configure`, `close_all`, `identity_key`, `object_session`.
- Tests, which may expect the error, and migrations.

## Fix safety
Adding the call parentheses is safe: the code raises as it stands. For an engine a person chooses between `connect()`
and `begin()`.

## References
- [SQLAlchemy: Using a sessionmaker](https://docs.sqlalchemy.org/en/20/orm/session_basics.html#using-a-sessionmaker)
- [SQLAlchemy: scoped_session.remove](https://docs.sqlalchemy.org/en/20/orm/contextual.html#sqlalchemy.orm.scoped_session.remove)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.lifetimes.registry_sites import Misuse
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.wording import clip
from poollint.rules.lifetime.releases import without_with
from poollint.rules.pool.exemptions import in_tests
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.lifetimes.registry_sites import MisuseSite
    from poollint.program.sites import ProgramSites
    from poollint.program.versions import Version
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL219",
    name="factory-used-as-session",
    summary="A session factory, registry or engine is used as if it were a session",
    severity="error",
    confidence="high",
    fix="safe",
)

NO_WITH = "NO_WITH"
"""The kind of a misuse that a call alone does not mend."""

_ADVICE = {
    Misuse.ENTERED_FACTORY: ("with {name} raises TypeError, it makes sessions and is none", "write with {name}()"),
    Misuse.ENTERED_REGISTRY: ("with {name} raises TypeError, it keeps sessions and is none", "write with {name}()"),
    Misuse.ENTERED_ENGINE: ("with {name} raises TypeError, an engine is no connection", "write with {name}.connect()"),
    Misuse.METHOD_OF_FACTORY: ("{name}.{method}() raises AttributeError, it is no session", "call it on {name}()"),
    Misuse.REMOVED_SESSION: ("{name}() is a session and has no remove()", "write {name}.remove()"),
    Misuse.USED_REMOVAL: ("{name}.remove() gives None, not a session", "write {name}() to get one"),
}


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each such use."""
    sqlalchemy = sites.versions.sqlalchemy
    return [_verdict(site, sqlalchemy) for site in sites.kept.misuses if site.kind in _ADVICE and not in_tests(site)]


def _verdict(site: MisuseSite, sqlalchemy: Version) -> Verdict:
    head, advice = _ADVICE[site.kind]
    words = {"name": clip(site.name, 30), "method": clip(site.method, 20)}
    entered_engine = site.kind is Misuse.ENTERED_ENGINE
    return kept_verdict(
        METADATA,
        site.span,
        site.symbol,
        head.format(**words),
        advice.format(**words),
        Severity.ERROR,
        fix_title="Open a connection of the engine" if entered_engine else "Use a session",
        fix_applicability="unsafe" if entered_engine else "safe",
        facts=FixFacts(
            NO_WITH if _enters(site) and without_with(sqlalchemy) else site.kind.name, (("entered", site.name),)
        ),
    )


def _enters(site: MisuseSite) -> bool:
    """The misuse is a with statement around what is to become a session."""
    return site.kind in (Misuse.ENTERED_FACTORY, Misuse.ENTERED_REGISTRY)


def fix(target: FixTarget) -> Proposal | Refusal:
    """Adds the call that is missing, or takes away the one that is too many."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    kind = target.verdict.facts.kind
    tree = target.tree
    if kind == Misuse.REMOVED_SESSION.name:
        removal = target.node(cst.Call)
        inner = removal.func.value if removal is not None and isinstance(removal.func, cst.Attribute) else None
        if not isinstance(inner, cst.Call) or inner.args or inner.lpar:
            return Refusal("the session is made with arguments")
        return Proposal(
            "Call remove() on the registry", Applicability.SAFE, (tree.replace(inner, tree.text(inner.func)),)
        )
    if kind not in _CALLS:
        return Refusal(_REASONS[kind])
    statement = target.node(cst.With)
    items = statement.items if statement is not None else ()
    entered = [item.item for item in items if tree.text(item.item) == target.verdict.facts.name("entered")]
    if len(entered) != 1:
        return Refusal("it is not clear which part of the with statement is meant")
    call, title, applicability = _CALLS[kind]
    return Proposal(title, Applicability(applicability), (tree.after(entered[0], call),))


_CALLS = {
    Misuse.ENTERED_FACTORY.name: ("()", "Make a session", "safe"),
    Misuse.ENTERED_REGISTRY.name: ("()", "Make a session", "safe"),
    Misuse.ENTERED_ENGINE.name: (".connect()", "Open a connection of the engine", "unsafe"),
}
"""What is added, by the kind of misuse."""

_REASONS = {
    Misuse.METHOD_OF_FACTORY.name: "a session made in place has no owner that closes it",
    Misuse.USED_REMOVAL.name: "it is not clear whether a session or its removal is meant",
    NO_WITH: "a session of SQLAlchemy 1.3 is no context manager",
}
"""Why nothing is changed, by the kind of misuse."""

RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
