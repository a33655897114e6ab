from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)
Registry = scoped_session(SessionLocal)


def called():
    return SessionLocal.execute(text("select 1"))


def taken():
    session = Registry.remove()
    return session
