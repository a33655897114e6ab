from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)
Registry = scoped_session(SessionLocal)


def entered():
    with (SessionLocal) as session, open("log") as log:  # both
        log.write(str(session.execute(text("select 1")).scalar()))


def connected():
    with engine as connection:
        connection.execute(text("select 2"))


def removed():
    Registry().remove()
