"""A session without a name gets one, in a block around its statement."""

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


class Summary:
    def __init__(self, factory):
        self.factory = factory


def total():
    return SessionLocal().execute(text("select count(*) from orders")).scalar()


def kept(summary):
    summary.total = Session(engine).query(func.count(Order.id)).one_or_none()[0]
    return summary


def objects():
    orders = SessionLocal().query(Order).all()
    return orders


def printed():
    for number in SessionLocal().scalars(select(Order.id)):
        print(number)


def written():
    SessionLocal().execute(text("update orders set seen = true"))


def unread():
    return SessionLocal().query(Order)


def perhaps(flag):
    return flag and SessionLocal().execute(text("select 1")).scalar()  # held: the statement does not run it once

