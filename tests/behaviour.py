"""Runs a program before and after its fix and tells what it did: its answer, what it saved, what it gave back.

A program is the text of a module with a function `run()`. It makes its engines from the name URL, a SQLite file with a
table `orders (id, name)` of three rows. Connections are counted by the events of the pools while the garbage
collector is off, as a busy server would see them.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sqlite3
import textwrap
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mended import mended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = """
    create table orders (id integer primary key, name text not null unique);
    insert into orders values (1, 'one'), (2, 'two'), (3, 'three');
"""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a program did. `raised` is the name of the exception's class; `out` counts connections not given back,
    `left_open` those that nobody closed."""

    returned: object
    raised: str
    rows: tuple[tuple[int, str], ...]
    out: int
    left_open: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """Connections that left their pools, and those that came back; that were opened, and closed."""

    checked_out: list[int]
    checked_in: list[int]
    opened: list[int]
    closed: list[int]


def before_and_after(
    program: str, folder: Path, select: tuple[str, ...] | None = None, unsafe: bool = False
) -> tuple[Behaviour, Behaviour]:
    """What a program did before and after its fixes. Fails when no fix changes it."""
    before = textwrap.dedent(program).lstrip().encode()
    after = mended(before, unsafe, select)
    assert after != before, "nothing is mended"
    return behaviour(before.decode(), folder / "before.db"), behaviour(after.decode(), folder / "after.db")


def behaviour(program: str, database: Path) -> Behaviour:
    """Run a program on a new database."""
    with sqlite3.connect(database) as connection:
        connection.executescript(TABLE)
    connection.close()
    names: dict[str, Any] = {"URL": f"sqlite:///{database}", "__name__": "program"}
    returned, raised = None, ""
    with counted() as count:
        try:
            exec(compile(program, "program.py", "exec", dont_inherit=True), names)
            answer = names["run"]()
            returned = asyncio.run(answer) if inspect.iscoroutine(answer) else answer
        except Exception as error:
            raised = type(error).__name__
        out = len(count.checked_out) - len(count.checked_in)
        left_open = len(count.opened) - len(count.closed)
    names.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
    with sqlite3.connect(database) as connection:
        rows = tuple(connection.execute("select id, name from orders order by id"))
    connection.close()
    return Behaviour(returned, raised, rows, out, left_open)


@contextmanager
def counted() -> Iterator[Counted]:
    """Count what all pools of the process do, with the garbage collector off."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    count = Counted([], [], [], [])
    counters = {
        "checkout": lambda *_: count.checked_out.append(1),
        "checkin": lambda *_: count.checked_in.append(1),
        "connect": lambda *_: count.opened.append(1),
        "close": lambda *_: count.closed.append(1),
    }
    for name, counter in counters.items():
        event.listen(Pool, name, counter)
    gc.collect()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield count
    finally:
        gc.enable()
        for name, counter in counters.items():
            event.remove(Pool, name, counter)
