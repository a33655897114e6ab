"""Before 1.4 a Session is no context manager."""
# requires: sqlalchemy<1.4

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def scalar():
    session = SessionLocal()
    return session.execute("select 1").scalar()
