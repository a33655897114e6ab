"""## What it does
Finds `app.app_context().push()` without `pop()` in a function that runs in a thread, a task or a callback of a program
that uses Flask-SQLAlchemy.

## Why it is bad
Flask-SQLAlchemy keeps one session for each application context and removes it when the context is popped. Five threads
that never pop: five sessions and five connections that not even the garbage collector frees (measured).

## Example
```python
import threading

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)

def work():
    app.app_context().push()
    db.session.execute(db.text("select 1"))

threading.Thread(target=work).start()
```

## Use instead
```python
import threading

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)

def work():
    with app.app_context():
        db.session.execute(db.text("select 1"))

threading.Thread(target=work).start()
```

## When it stays quiet
- The same function pops the context.
- Module level, scripts, shells, and functions that nothing is known to run again and again: one context a process.
- The program does not use Flask-SQLAlchemy.
- Tests and migrations.

## Fix safety
A `with` block around the rest of the function is a suggestion: what is loaded before its end is detached behind it.

## References
- [Flask-SQLAlchemy: Flask application context](https://flask-sqlalchemy.readthedocs.io/en/stable/contexts/)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.misuses.sites import MisuseKind
from poollint.rules.base import Family, Metadata, Rule, Verdict
from poollint.rules.lifetime.misusing import misuse_verdict, misuses

if TYPE_CHECKING:
    from poollint.program.misuses.sites import Misuse
    from poollint.program.sites import ProgramSites

METADATA = Metadata(
    code="POL221",
    name="flask-app-context-never-popped",
    summary="A thread or task pushes an application context and never pops it",
    severity="error",
    confidence="high",
    fix="suggestion",
)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each context that stays pushed."""
    return [_verdict(each) for each in misuses(sites, MisuseKind.CONTEXT_PUSHED)]


def _verdict(misuse: Misuse) -> Verdict:
    return misuse_verdict(
        METADATA,
        misuse,
        f"each run in a {misuse.detail} pushes a context that nothing pops, and its session stays for ever",
        "use with app.app_context()",
        Severity.ERROR,
        fix_title="Use the context in a with block",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, family=Family.ALONE)
