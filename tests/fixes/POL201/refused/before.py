from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def without_a_name():
    return SessionLocal().query(Order).yield_per(10)  # held: a result that still reads from the session leaves the statement


def used_outside(wanted):
    if wanted:
        session = SessionLocal()  # held: session is used outside of the block that makes it
        session.execute(text("select 1"))
    print(session.get(Order, 1))


def bound_again():
    session = None
    session = SessionLocal()  # held: session is bound more than once
    session.execute(text("select 1"))


def one_line(wanted):
    if wanted: session = SessionLocal(); session.execute(text("select 1"))  # held: it is not made by a statement of its own


def two_on_a_line():
    total = 0; session = SessionLocal()  # held: several statements stand in one line
    total += session.execute(text("select 1")).scalar()
    return total


def not_formatted():
    session = SessionLocal()  # held: a part of it is not to be formatted
    # fmt: off
    session.execute(text( "select 1" ))


def captured():
    session = SessionLocal()  # held: session is used in code that runs later
    count = lambda: session.execute(text("select 1")).scalar()
    return count() + session.execute(text("select 1")).scalar()
