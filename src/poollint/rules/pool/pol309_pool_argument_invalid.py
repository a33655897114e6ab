"""## What it does
Finds calls of `create_engine()` and `create_async_engine()` whose arguments do not fit together: sizes for a pool class
that has none, a class where an object is needed and the other way round, names that are no argument, a pool class,
driver or session of the other kind (sync or async), a number that is text (from `os.environ`). Each combination was run
on SQLAlchemy 1.4, 2.0 and 2.1.

## Why it is bad
The call raises TypeError, ArgumentError or AttributeError. Three forms look fine until the first connection:
`pool=NullPool` (a class), an async driver in a sync engine, and a sync session on an async engine. The code that only
runs with the production settings then fails there.

## Example
```python
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

engine = create_engine("postgresql+psycopg2://app@db/app", poolclass=NullPool, pool_size=5)
```

## Use instead
```python
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

engine = create_engine("postgresql+psycopg2://app@db/app", poolclass=NullPool)
```

## When it stays quiet
- The URL, the pool class or a keyword is not constant, and the fault depends on it; a pool class of your own.
- A mapping that is unpacked (`**options`) and can change before: by an item, a method, another function.
- The fault depends on the version of SQLAlchemy, and the call stands in a branch. Where no file names the version, 2.x
  is assumed, with medium confidence.
- A `try` around the call catches the error. A sync engine that `AsyncEngine()` may wrap, or that never connects.
- A driver that is not SQLAlchemy's own, for arguments that its dialect could have. Tests.

## Fix safety
Without the arguments that the pool refuses, with `poolclass=NullPool` for `pool=NullPool`, and with the counterpart of
`QueuePool` for asyncio, the call does what it says instead of raising, so this is safe; so is `int()` around
`os.environ[...]`, or around `os.getenv()` with a number as its default. Which driver or pool is meant
otherwise is for a person to decide.

## References
- [SQLAlchemy: create_engine()](https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.create_engine)
- [SQLAlchemy: Switching Pool Implementations](https://docs.sqlalchemy.org/en/20/core/pooling.html#switching-pool-implementations)
- [SQLAlchemy: Pool class cannot be used with asyncio engine](https://docs.sqlalchemy.org/en/20/errors.html#error-pcls)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.program.pooling.sites import FaultKind
from poollint.program.versions import UNDECLARED
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import in_tests, never_connects
from poollint.rules.engine.wording import as_call, clip
from poollint.rules.lifetime.misusing import misuse_verdict, misuses
from poollint.rules.pool.reporting import kept_verdict

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.misuses.sites import Misuse
    from poollint.program.pooling.sites import Fault, PoolSite
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL309",
    name="pool-argument-invalid",
    summary="The arguments of create_engine() do not fit together, so that it raises",
    severity="error",
    confidence="high",
    fix="safe",
)

_CLEAR_CURE = (FaultKind.REFUSED, FaultKind.ONLY_TRUE, FaultKind.TEXT)
_COUNTERPARTS = {"QueuePool": "AsyncAdaptedQueuePool", "AsyncAdaptedQueuePool": "QueuePool"}
_WHEN_CONNECTING = (FaultKind.NO_POOL, FaultKind.WRONG_DRIVER)
"""What a sync create_engine() itself accepts."""


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that cannot be made or used, and for each session on the wrong kind of engine."""
    declared = sites.versions.sqlalchemy != UNDECLARED.sqlalchemy
    faults = ((pool, first_fault(pool)) for pool in sites.pools)
    engines = [_verdict(pool, fault, declared) for pool, fault in faults if fault is not None]
    return [*engines, *(_bound(each) for each in misuses(sites, MisuseKind.WRONG_BIND))]


def first_fault(pool: PoolSite) -> Fault | None:
    """The fault to report; what fails at the first connection is none for an engine that never connects."""
    if in_tests(pool.engine):
        return None
    late = _WHEN_CONNECTING if never_connects(pool.engine) and not pool.engine.is_async else ()
    return next((fault for fault in pool.faults if fault.kind not in late), None)


def _verdict(pool: PoolSite, fault: Fault, declared: bool) -> Verdict:
    head, advice = message(pool, fault)
    return kept_verdict(
        METADATA,
        pool.span,
        pool.symbol,
        head,
        advice,
        Severity.ERROR,
        Confidence.HIGH if declared or not fault.by_version else Confidence.MEDIUM,
        fix_title=advice[0].upper() + advice[1:],
        fix_applicability="safe" if has_clear_cure(fault) else "display",
        facts=_facts(pool, fault),
    )


def has_clear_cure(fault: Fault) -> bool:
    """The source says what is meant: a pool class without the arguments beside it, or its counterpart."""
    if fault.kind is FaultKind.WRONG_LOOP:
        return fault.subject in _COUNTERPARTS
    return fault.chosen and (fault.kind in _CLEAR_CURE or (fault.kind is FaultKind.NO_POOL and bool(fault.instead)))


def _facts(pool: PoolSite, fault: Fault) -> FixFacts:
    reason = "which pool, driver or argument is meant is not clear"
    if has_clear_cure(fault):
        is_mixed = any(each.kind is not fault.kind or fault.kind is not FaultKind.TEXT for each in pool.faults[1:])
        reason = "more than one argument is wrong" if is_mixed else ""
    elif fault.kind is FaultKind.TEXT:
        reason = "what is meant where the variable is not set is not clear"
    return FixFacts(fault.kind.name, (("against", reason), ("subject", fault.subject), *_each("argument", fault.names)))


def _each(role: str, texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((f"{role} {number}", text) for number, text in enumerate(texts))


def message(pool: PoolSite, fault: Fault) -> tuple[str, str]:
    """What the call does, and what to write instead."""
    called = as_call(pool.engine.spelled.rpartition(".")[2], 30)
    names = clip(", ".join(fault.names), 40)
    if fault.kind is FaultKind.REFUSED:
        owner = fault.subject if fault.chosen else f"SQLite's {fault.subject}"
        plural = "them" if len(fault.names) > 1 else "it"
        advice = f"delete {plural}" if fault.chosen else f"delete {plural} or choose a poolclass"
        return f"{called} raises TypeError, {owner} takes no {names}", advice
    if fault.kind is FaultKind.NO_ARGUMENT:
        return f"{called} raises, it has no argument {names}", f"use {fault.instead}" if fault.instead else "delete it"
    if fault.kind is FaultKind.ONLY_TRUE:
        return f"{called} raises ArgumentError, {names} can only be True", "delete it"
    if fault.kind is FaultKind.TEXT:
        return f"{names} of {called} is {fault.subject}, and a pool cannot compare text", "convert it with int()"
    if fault.kind is FaultKind.NO_CLASS:
        return f"{called} raises AttributeError, poolclass={clip(fault.subject, 30)} is no class", "pass the class"
    if fault.kind is FaultKind.NO_POOL and fault.instead:
        return f"pool={fault.subject} is a class and fails at the first connection", f"use poolclass={fault.subject}"
    if fault.kind is FaultKind.NO_POOL:
        return f"{called} raises AttributeError, pool={clip(fault.subject, 30)} is no pool", "pass poolclass"
    if fault.kind is FaultKind.NO_CREATOR:
        return f"{fault.subject}() raises TypeError without a creator", f"use poolclass={fault.subject}"
    if fault.kind is FaultKind.FINISHED_POOL:
        return f"{called} raises TypeError, a finished pool takes no {names}", f"give it to {fault.subject}()"
    return _other_kind(pool, fault, called)


def _other_kind(pool: PoolSite, fault: Fault, called: str) -> tuple[str, str]:
    """Faults of a pool class or driver that is made for the other kind of engine, or not made any more."""
    if fault.kind is FaultKind.REMOVED_CLASS:
        return f"{fault.subject} does not exist from SQLAlchemy {fault.names[0]} on", f"use {fault.instead}"
    if fault.kind is FaultKind.WRONG_LOOP:
        if pool.engine.is_async:
            return f"{called} raises ArgumentError, {fault.subject} is not for asyncio", "use AsyncAdaptedQueuePool"
        return f"{called} raises ArgumentError, {fault.subject} is for asyncio", "use QueuePool"
    if pool.engine.is_async:
        return f"{called} raises InvalidRequestError, {fault.subject} is not async", "name an async driver in the URL"
    return f"{called} with {fault.subject} raises MissingGreenlet when it connects", "use create_async_engine()"


def _bound(misuse: Misuse) -> Verdict:
    called = as_call(misuse.spelled)
    if misuse.detail == "async":
        head, advice = f"{called} has an async engine and fails at the first statement", "use AsyncSession"
    else:
        head, advice = f"{called} has a sync engine, which AsyncSession refuses", "use create_async_engine()"
    return misuse_verdict(METADATA, misuse, head, advice, Severity.ERROR, fix_title=advice[0].upper() + advice[1:])


def fix(target: FixTarget) -> Proposal | Refusal:
    """Deletes the arguments that the pool refuses, or writes what the pool class was meant for."""
    import libcst as cst

    from poollint.editing.call_arguments import changed, keyword
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    facts, tree = target.verdict.facts, target.tree
    call = target.node(cst.Call)
    if facts.name("against") or call is None:
        return Refusal(facts.name("against") or "the call is not written out")
    title = target.verdict.fix_title
    if facts.kind == FaultKind.NO_POOL.name:
        given = keyword(call, "pool")
        if given is None or given.keyword is None or keyword(call, "poolclass") is not None:
            return Refusal("the argument is not written in the call")
        return Proposal(title, Applicability.SAFE, (tree.replace(given.keyword, "poolclass"),))
    if facts.kind == FaultKind.WRONG_LOOP.name:
        chosen = keyword(call, "poolclass")
        imported = tree.imports.name_for("sqlalchemy.pool", _COUNTERPARTS[facts.name("subject")], call)
        is_sure = imported is not None and (not imported.edits or tree.imports.has_package("sqlalchemy", "sqlmodel"))
        if chosen is None or imported is None or not is_sure:
            return Refusal("the pool class is not written in the call, or its counterpart cannot be imported")
        return Proposal(title, Applicability.SAFE, (*imported.edits, tree.replace(chosen.value, imported.name)))
    if facts.kind == FaultKind.TEXT.name:
        return _converted(target, call)
    refused = {text for role, text in facts.names if role.startswith("argument")}
    if not refused or not all(keyword(call, name) for name in refused):
        return Refusal("the arguments are not written in the call")
    return Proposal(title, Applicability.SAFE, changed(tree, call, refused))


def _converted(target: FixTarget, call: cst.Call) -> Proposal | Refusal:
    """`int(os.environ[...])`, and a number for one in quotes."""
    import libcst as cst

    from poollint.editing.call_arguments import keyword
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    given = keyword(call, target.verdict.facts.name("argument 0"))
    value = given.value if given is not None else None
    if isinstance(value, cst.SimpleString):
        text = value.evaluated_value
        if not isinstance(text, str) or not (text.isascii() and text.isdecimal()):
            return Refusal("the text is not a whole number")
        text = str(int(text))
    elif isinstance(value, (cst.Subscript, cst.Call)) and tree.imports.is_builtin("int", call):
        text = f"int({tree.text(value)})"
    else:
        return Refusal("the text is not written in the call")
    return Proposal(target.verdict.fix_title, Applicability.SAFE, (tree.replace(value, text),))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
