"""## What it does
Finds an `except` block that catches the failure of `commit()` or `flush()` and neither rolls back nor closes, while
the session is used again: in the handler itself, behind it, or in the next pass of a loop.

## Why it is bad
After a failed flush the session refuses every statement with PendingRollbackError until `rollback()` is called, and its
connection stays checked out. In a loop the first bad row makes all later rows fail; in a handler the second error
hides the first one.

## Example
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save_all(rows):
    with SessionLocal() as session:
        for row in rows:
            try:
                session.add(row)
                session.commit()
            except Exception:
                print("skipped")
```

## Use instead
```python
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)

def save_all(rows):
    with SessionLocal() as session:
        for row in rows:
            try:
                session.add(row)
                session.commit()
            except Exception:
                session.rollback()
                print("skipped")
```

## When it stays quiet
- The handler rolls back, closes or removes, itself or through a function that it calls or passes the session to.
- The handler asks for `session.is_active` and leaves where the transaction is lost.
- The handler raises or returns, and does not use the session before.
- The handler is for something else than errors of the database, or `begin_nested()` stands around the statement.
- The session is made in the `try` block, or anew in each pass of the loop.
- Tests and migrations.

## Fix safety
`rollback()` as the first statement of the handler is safe after a failed `commit()`: nothing of the transaction can be
saved any more. It is unsafe after a `flush()`, where earlier changes of the transaction would be lost without a word,
and where the handler also sees errors that are none of the session's.

## References
- [SQLAlchemy: This Session's transaction has been rolled back](https://docs.sqlalchemy.org/en/20/faq/sessions.html#this-session-s-transaction-has-been-rolled-back-due-to-a-previous-exception-during-flush-or-similar)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Confidence, Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, FixFacts, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL207",
    name="error-swallowed-without-rollback",
    summary="A failed commit or flush is caught and the session goes on without a rollback",
    severity="warning",
    confidence="medium",
    fix="safe",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each handler that leaves a failed transaction in use."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.SWALLOWED, MisuseKind.USED_IN_HANDLER)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"line {misuse.detail} uses {misuse.spelled} after a failure that this except block does not roll back",
        "call rollback() first",
        Severity.WARNING,
        Confidence.MEDIUM,
        fix_title="Roll back at the start of the handler",
        fix_applicability="safe",
        facts=FixFacts(kind=dict(misuse.names).get("failing", ""), names=(("session", misuse.spelled), *misuse.names)),
    )


def fix(target: FixTarget) -> Proposal | Refusal:
    """Puts `rollback()` before everything else that the handler does."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, facts = target.tree, target.verdict.facts
    line = target.verdict.span.line
    handlers = [each for each in tree.parents if isinstance(each, cst.ExceptHandler)]
    handler = next((each for each in handlers if tree.location(each).line == line), None)
    function = tree.function(handler) if handler is not None else None
    if handler is None or not isinstance(handler.body, cst.IndentedBlock):
        return Refusal("the handler is written in one line")
    if facts.name("async") and (function is None or function.asynchronous is None):
        return Refusal("await is only possible in an async def")
    call = f"{'await ' if facts.name('async') else ''}{facts.name('session')}.rollback()"
    tried = tree.parents[handler]
    safe = facts.kind == "commit" and (not facts.name("broad") or _only_uses(tried, facts.name("session"), tree))
    first = handler.body.body[0]
    if len(handler.body.body) == 1 and isinstance(first, cst.SimpleStatementLine) and _is_pass(first):
        edit = tree.replace(first.body[0], call)
    else:
        edit = tree.insert(tree.header_end(handler) + 1, 1, f"{tree.indentation(first)}{call}{tree.newline}")
    return Proposal("Roll back at the start of the handler", Applicability("safe" if safe else "unsafe"), (edit,))


def _is_pass(statement: cst.SimpleStatementLine) -> bool:
    import libcst as cst

    return len(statement.body) == 1 and isinstance(statement.body[0], cst.Pass)


def _only_uses(tried: cst.CSTNode, session: str, tree: FileTree) -> bool:
    """Whatever the try block calls is a method of the session, so the error is one of the session."""
    import libcst as cst

    if not isinstance(tried, cst.Try):
        return False
    pending: list[cst.CSTNode] = [tried.body]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.Call) and not tree.text(node.func).startswith(f"{session}."):
            return False
        pending.extend(node.children)
    return True


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE, fixer=fix)
