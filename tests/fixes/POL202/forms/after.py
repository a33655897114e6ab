from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def closed_behind_the_use():
    with SessionLocal() as session:
        number = session.execute(text("select 1")).scalar()
    return number


def closed_with_a_comment():
    with SessionLocal() as session:
        number = session.execute(text("select 1")).scalar()
        # Give the connection back.
        session.close()
    return number


def objects_behind_the_close(number):
    with SessionLocal() as session:
        order = session.get(Order, number)
    return order


def closed_late_in_finally(name):
    with SessionLocal() as session:
        session.execute(text("select 1"))
        try:
            session.execute(text("delete from orders where name = :name"), {"name": name})
            session.commit()
        finally:
            session.close()


def rolled_back(name):
    session = SessionLocal()
    try:
        session.execute(text("delete from orders where name = :name"), {"name": name})
        session.commit()
    except Exception:
        session.rollback()
        raise
    session.close()


def captured():
    session = SessionLocal()
    print("opened")
    try:
        count = lambda: session.execute(text("select count(*) from orders")).scalar()
        total = count() + session.execute(text("select 1")).scalar()
    finally:
        session.close()
    return total
