from sqlalchemy import create_engine, select
from sqlalchemy.orm import Query, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def query(Order):
    with SessionLocal() as session:
        return session.query(Order).filter_by(open=True).all()


def by_name(Order):
    with SessionLocal() as session:
        found = session.execute(select(Order)).scalars()
        return found.all()


def declared(Order) -> Query:
    with SessionLocal() as session:
        return session.query(Order)  # held: the function is declared to return Query
