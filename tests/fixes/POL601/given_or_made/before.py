"""A connection that the caller may give."""

from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def rows(connection=None):
    connection = connection or engine.connect()
    return connection.execute(text("select * from orders")).fetchall()
