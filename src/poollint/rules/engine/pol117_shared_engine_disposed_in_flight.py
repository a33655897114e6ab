"""## What it does
Finds `dispose()` on an engine that is shared by the whole program, in code that runs for each request, callback or
task.

## Why it is bad
It turns pooling off: 50 requests opened 50 connections. Connections that other requests hold at that moment end in a
pool that nobody owns any more.

## Example
```python
from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("postgresql+psycopg2://app@db/app")

@app.get("/")
def index():
    with engine.connect() as connection:
        count = connection.execute(text("select count(*) from t")).scalar()
    engine.dispose()
    return str(count)
```

## Use instead
```python
import atexit
from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("postgresql+psycopg2://app@db/app")
atexit.register(engine.dispose)

@app.get("/")
def index():
    with engine.connect() as connection:
        return str(connection.execute(text("select count(*) from t")).scalar())
```

## When it stays quiet
- Shutdown, lifespan, teardown, atexit, signal and fork hooks; at the end of `main()`.
- An exception handler, after a failover; a function that puts another engine in the place of this one on every path.
- An event loop that is made for one run (`asyncio.run()` in each task): its engine has to be disposed of in it.
- NullPool; tests and migrations; callers that are not known to repeat.

## Fix safety
Deleting the call is safe only where it is the last statement of the function and the engine is at module level;
elsewhere it is a suggestion.

## References
- [SQLAlchemy: Engine disposal](https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.sites import Times
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.wording import clip, per, sentence

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import DisposeSite, ProgramSites
    from poollint.rules.mending import FixTarget
    from poollint.rules.visitor import CallMarker

METADATA = Metadata(
    code="POL117",
    name="shared-engine-disposed-in-flight",
    summary="Repeated code disposes of an engine that the whole program shares",
    severity="warning",
    confidence="medium",
    fix="safe",
)

_OWN_ENGINE_CONTEXTS = frozenset({"new_loop", "process"})


def shutting_down(site: DisposeSite) -> bool:
    """The call belongs to a shutdown or fork hook, or to the end of main()."""
    return site.shutdown


def after_a_failover(site: DisposeSite) -> bool:
    """An exception leads to it: what the pool holds are connections to a server that is gone."""
    return site.after_failure


def reloaded(site: DisposeSite) -> bool:
    """Another engine takes the place of this one on every path."""
    return site.replaced


def own_loop_or_process(site: DisposeSite) -> bool:
    """Each run has an event loop or a process of its own, and so a pool of its own to close."""
    return bool(site.frequency.contexts & _OWN_ENGINE_CONTEXTS)


def disposed_in_flight(site: DisposeSite) -> bool:
    """Code that is proven to repeat disposes of the shared pool."""
    return (
        site.frequency.known
        and site.frequency.times is Times.MANY
        and not site.null_pool
        and not shutting_down(site)
        and not after_a_failover(site)
        and not reloaded(site)
        and not own_loop_or_process(site)
        and not site.in_test
        and not site.in_migration
    )


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each dispose() of a shared engine in repeated code."""
    return [_verdict(site) for site in sites.disposals if disposed_in_flight(site)]


def _verdict(site: DisposeSite) -> Verdict:
    name = clip(site.engine.rsplit(".", 1)[-1], 40) or "the engine"
    return Verdict(
        code=METADATA.code,
        site=site.span,
        span=site.span,
        chunk_line=site.chunk_line,
        symbol=site.symbol,
        message=sentence(
            f"{name}.dispose() drops the shared pool {per(site.frequency)}", site.frequency.entry, "dispose at shutdown"
        ),
        severity=Severity.WARNING,
        confidence=_confidence(site),
        chain=site.frequency.chain,
        fix_title="Delete the call of dispose()",
        fix_applicability="safe" if site.module_level_engine else "display",
        facts=FixFacts(
            names=(("against", "" if site.module_level_engine else "the engine is no variable of a module"),)
        ),
    )


def _confidence(site: DisposeSite) -> Confidence:
    return Confidence.LOW if site.frequency.confidence == 0 else Confidence.MEDIUM


def marker() -> type[CallMarker]:
    """The visitor: deleting the call is safe as the last statement of its function only."""
    import libcst as cst

    from poollint.rules.visitor import CallMarker

    class DisposeMarker(CallMarker):
        def fix_applicability(self, proposed: str) -> str:
            function = self.innermost(cst.FunctionDef)
            line = self.innermost(cst.SimpleStatementLine)
            if function is None or line is None or not isinstance(function.body, cst.IndentedBlock):
                return "display"
            alone = len(line.body) == 1 and isinstance(line.body[0], cst.Expr)
            return proposed if alone and function.body.body[-1] is line else "display"

    return DisposeMarker


def fix(target: FixTarget) -> Proposal | Refusal:
    """Deletes the call where it is the last statement of its function."""
    import libcst as cst

    from poollint.editing.moving import without
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, reason = target.tree, target.verdict.facts.name("against")
    call = target.node(cst.Call)
    function = tree.function(call) if call is not None else None
    line = tree.statement(call) if call is not None else None
    if reason or function is None or not isinstance(line, cst.SimpleStatementLine):
        return Refusal(reason or "the call is no statement of a function")
    value = line.body[0].value if len(line.body) == 1 and isinstance(line.body[0], cst.Expr) else None
    if call not in (value, value.expression if isinstance(value, cst.Await) else None):
        return Refusal("the call is part of another statement")
    if not isinstance(function.body, cst.IndentedBlock) or function.body.body[-1] is not line:
        return Refusal("what follows may rely on an empty pool")
    edit = without(tree, line)
    return edit if isinstance(edit, Refusal) else Proposal(target.verdict.fix_title, Applicability.SAFE, (edit,))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, marker=marker, fixer=fix)
