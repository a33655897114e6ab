from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


def get_session():
    return scoped_session(SessionLocal)()


def get_other_session():
    return scoped_session(sessionmaker(bind=engine, autoflush=False), scopefunc=id)()
