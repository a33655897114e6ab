"""Before 1.4 a Session is no context manager."""
# requires: sqlalchemy<1.4

from contextlib import closing

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def scalar():
    with closing(SessionLocal()) as session:
        return session.execute("select 1").scalar()
