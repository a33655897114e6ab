"""Fixes that dispose of an engine close its connections, whichever way the function ends, and change nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from behaviour import before_and_after

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("sqlalchemy", minversion="2")

HEAD = """
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

"""
NEVER = """
def rename(name, url=URL):
    engine = create_engine(url)
    with Session(engine) as session:
        session.execute(text("update orders set name = :name where id = 1"), {"name": name})
        session.commit()
        return session.execute(text("select name from orders where id = 1")).scalar()

def run():
    done = [rename("first"), rename("second")]
    try:
        rename("three")
    except Exception as error:
        done.append(type(error).__name__)
    return done
"""
HAPPY = """
def count(table, url=URL):
    engine = create_engine(url)
    with engine.connect() as connection:
        total = connection.execute(text(f"select count(*) from {table}")).scalar()
    engine.dispose()
    return total

def run():
    try:
        count("nothing")
    except Exception as error:
        return [count("orders"), type(error).__name__]
"""


@pytest.mark.parametrize(("code", "program"), [("POL107", NEVER), ("POL108", HAPPY)])
def test_all_connections_are_closed(code: str, program: str, tmp_path: Path) -> None:
    before, after = before_and_after(HEAD + program, tmp_path, select=(code,))
    assert before.left_open > 0
    assert (after.left_open, after.out) == (0, 0)
    assert (after.returned, after.rows, after.raised) == (before.returned, before.rows, before.raised)
