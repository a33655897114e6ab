"""The lines and names that messages give are those that a reader has to look at."""

from __future__ import annotations

import textwrap

import harness
import pytest

from poollint.program.lifetimes.registry_sites import RegistryUse
from poollint.program.sites import Frequency, Span, Times
from poollint.rules.pool.pol304_scoped_session_never_removed import scope_around_loop

SHARED = """
    from sqlalchemy import create_engine
    from sqlalchemy.orm import scoped_session, sessionmaker

    class Connection:
        def __init__(self):
            self.session = scoped_session(sessionmaker(create_engine("postgresql+psycopg2://app@db/app")))

    connection = Connection()
"""


def message(code: str, **files: str) -> str:
    """What the one finding of a program says."""
    with harness.neutral_folder() as root:
        for name, text in files.items():
            (root / f"{name}.py").write_text(textwrap.dedent(text).lstrip("\n"))
        found = [finding.message for finding in harness.run([root], (code,))]
    assert len(found) == 1, found
    return found[0]


def test_a_connection_is_held_since_the_statement_that_took_it() -> None:
    text = message(
        "POL212",
        main="""
            import logging

            import requests
            from database import connection
            from sqlalchemy import text

            def notify():
                row = connection.session.execute(text("select 1")).first()
                try:
                    row.state = "sent"
                except Exception:
                    logging.warning("failed: %s", row.state)
                connection.session.execute(text("select 2"))
                requests.post("https://example.org", timeout=60)
        """,
        database=SHARED,
    )
    assert " since line 8: " in text


def test_a_connection_that_was_given_back_is_held_since_the_next_statement() -> None:
    text = message(
        "POL212",
        main="""
            import requests
            from database import connection
            from sqlalchemy import text

            def notify():
                connection.session.execute(text("select 1"))
                connection.session.commit()
                connection.session.execute(text("select 2"))
                requests.post("https://example.org", timeout=60)
        """,
        database=SHARED,
    )
    assert " since line 8: " in text


def test_rows_that_were_read_take_no_connection() -> None:
    text = message(
        "POL212",
        main="""
            import time

            from database import connection
            from sqlalchemy import text

            def notify(names):
                found = []
                for name in names:
                    found = connection.session.execute(text("select 1")).all()
                if len(found) != len(names):
                    print("missing")
                time.sleep(60)
        """,
        database=SHARED,
    )
    assert " since line 9: " in text


def test_a_query_that_is_passed_on_takes_no_connection_yet() -> None:
    text = message(
        "POL212",
        main="""
            import requests
            from flask_sqlalchemy import SQLAlchemy

            db = SQLAlchemy()

            class User(db.Model):
                pass

            def push(query):
                requests.post("https://example.org", json=[user.id for user in query], timeout=60)

            def notify():
                push(
                    User.query.filter_by(active=True).order_by(User.id)
                )
                push(User.query)
        """,
        database=SHARED,
    )
    assert " since line 13: " in text


@pytest.mark.parametrize(
    ("unit", "contexts", "scope"),
    [
        ("iteration", {"request"}, "request"),
        ("iteration", {"dependency", "thread"}, "request"),
        ("iteration", {"job"}, "job"),
        ("iteration", set(), ""),
        ("request", {"request"}, ""),
    ],
)
def test_the_loop_in_a_request_is_not_the_scope_of_a_registry(unit: str, contexts: set[str], scope: str) -> None:
    frequency = Frequency(Times.MANY, True, unit=unit, contexts=frozenset(contexts), concurrent=True)
    use = RegistryUse(Span("app/views.py", 9, 4, 9, 30), "Session.execute", "view", frequency)
    assert scope_around_loop(use) == scope


def test_the_dependency_of_a_dependency_is_not_named() -> None:
    text = message(
        "POL214",
        main="""
            from fastapi import Depends, FastAPI
            from fastapi.responses import StreamingResponse
            from users import current_user

            app = FastAPI()

            @app.get("/")
            def stream(user=Depends(current_user)):
                return StreamingResponse(iter([b"data"]))
        """,
        users="""
            from fastapi import Depends
            from sqlalchemy import create_engine, text
            from sqlalchemy.orm import sessionmaker

            SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))

            def _get_db():
                with SessionLocal() as session:
                    yield session

            def current_user(db=Depends(_get_db)):
                return db.execute(text("select 1")).scalar()
        """,
    )
    assert text.startswith("current_user() holds")


def test_a_registry_is_named_as_the_line_spells_it() -> None:
    text = message(
        "POL305",
        main="""
            import asyncio

            from database import connection
            from sqlalchemy import text

            async def count():
                connection.session.execute(text("select 1"))
                await asyncio.sleep(1)
        """,
        database=SHARED,
    )
    assert text.startswith("connection.session gives all tasks")


def test_a_failed_transaction_is_used_first_where_the_next_pass_starts() -> None:
    text = message(
        "POL207",
        main="""
            from database import connection
            from sqlalchemy import text

            def find():
                connection.session.execute(text("select 1"))

            def work(numbers):
                for number in numbers:
                    try:
                        find()
                        connection.session.commit()
                    except Exception:
                        print("failed")
        """,
        database=SHARED,
    )
    assert text.startswith("line 10 uses connection.session ")


def test_a_result_without_known_callers_can_be_read() -> None:
    program = """
        from sqlalchemy import create_engine, text

        engine = create_engine("postgresql+psycopg2://app@db/app")

        def rows():
            with engine.connect() as connection:
                return connection.execute(text("select 1"))
    """
    assert " can be read after connection is closed: " in message("POL611", main=program)
    called = program + "\n        def first():\n            return rows().first()\n"
    assert " is read after connection is closed: " in message("POL611", main=called)
