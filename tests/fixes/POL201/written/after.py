"""What is written and never committed gets a block that commits, where nothing that leaves needs the session."""

from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def marked():
    with SessionLocal.begin() as session:
        session.execute(text("update orders set seen = true"))


def counted():
    with Session(engine) as session, session.begin():
        session.execute(text("update orders set seen = true"))
        return session.execute(text("select count(*) from orders")).scalar()


def added(number):
    session = SessionLocal()  # held: what it writes is never committed, and a commit expires the objects that leave the block
    order = session.get(Order, number)
    session.execute(text("update orders set seen = true"))
    return order
