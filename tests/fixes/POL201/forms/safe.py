from sqlalchemy import create_engine, func, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)
AsyncSessionLocal = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def scalar():
    with SessionLocal() as session:
        return session.execute(text("select 1")).scalar()


def annotated() -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count(Order.id)))


def columns(wanted):
    with SessionLocal() as session:
        names = []
        for (name,) in session.query(Order.name).filter_by(id=wanted):
            if not name:
                continue
            names.append(name)
    return names


def in_a_loop(ids):
    for number in ids:
        with SessionLocal() as session:
            row = session.execute(text("select :id"), {"id": number}).first()
        if row is None:
            break
        print(row)


def inside_of_an_object(numbers):
    with SessionLocal() as session:
        return {number: session.execute(text("select 1")).scalar() for number in numbers}


async def asynchronous():
    async with AsyncSessionLocal() as session:
        result = await session.execute(text("select 1"))
        return result.scalar_one()


def made_by(factory=None):
    def inner():
        with make_session() as session:
            return session.execute(text("select 1")).scalar()

    return inner


def make_session():
    return SessionLocal()


def read_at_once():
    with SessionLocal() as session:
        return sum(row.price for row in session.execute(text("select price from orders")))


def read_later():
    session = SessionLocal()
    yield from session.execute(text("select price from orders"))
