from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


def of_a_factory(order):
    with SessionLocal.begin() as session:
        session.add(order)


def with_arguments(order):
    with SessionLocal(autoflush=False) as session, session.begin():
        session.add(order)


def of_the_class(order):
    with Session(engine) as session, session.begin():
        session.add(order)


def not_in_with(order):
    session = SessionLocal()  # held: no with block of its own holds all that is written
    session.add(order)
    session.close()
