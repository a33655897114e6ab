"""A connection that the caller may give."""

from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def rows(connection=None):
    owns_connection = not connection
    if owns_connection:
        connection = engine.connect()
    try:
        return connection.execute(text("select * from orders")).fetchall()
    finally:
        if owns_connection:
            connection.close()
