from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
Shared = sessionmaker(bind=engine.connect())


def each():
    with Session(engine.connect()) as session:
        session.execute(text("select 1"))


def with_options():
    connected = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with Session(engine.connect().execution_options(isolation_level="AUTOCOMMIT")) as session:  # held: options are set on the connection
        session.execute(text("select 1"))
    connected.close()
