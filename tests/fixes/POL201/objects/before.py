"""Objects of the session leave the block: they load nothing more once it is closed."""

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def returned(number):
    session = SessionLocal()
    return session.get(Order, number)


def stored(self, number):
    session = SessionLocal()
    self.order = session.get(Order, number)


def handed_to_others(number, queue):
    session = SessionLocal()
    order = session.get(Order, number)
    queue.put(order)


def used_at_once():
    session = SessionLocal()
    orders = session.scalars(select(Order)).all()
    lines = []
    for order in orders:
        lines.append(f"order {order.id}")
    return lines
