"""The lines and names that messages give are those that a reader has to look at."""

from __future__ import annotations

import textwrap

import harness

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
