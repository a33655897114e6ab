"""A session that the caller may give: only the one that is made here is closed here."""

from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)
AsyncSessionLocal = async_sessionmaker(
    create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False
)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def names(session=None):
    """The names of all orders."""
    # Tests give a session of their own.
    owns_session = session is None
    if session is None:
        session = SessionLocal()

    try:
        rows = session.execute(text("select name from orders")).scalars().all()
    finally:
        if owns_session:
            session.close()
    # the longest first
    return sorted(rows, key=len, reverse=True)


def in_one_try(log, session: Session | None = None):
    if not session:
        session = SessionLocal()
    try:
        log.info(session.execute(text("select count(*) from orders")).scalar())
    except Exception:
        session.rollback()
        raise


def with_a_finally(log, session=None):
    owns_session = not session
    if owns_session:
        session = SessionLocal()
    try:
        log.info(session.execute(text("select count(*) from orders")).scalar())
    finally:
        if owns_session:
            session.close()
        log.info("done")


async def asynchronous(session: AsyncSession | None = None):
    owns_session = session is None
    if session is None:
        session = AsyncSessionLocal()
    try:
        result = await session.execute(text("select count(*) from orders"))
        return result.scalar()
    finally:
        if owns_session:
            await session.close()


def objects(number, session=None):
    owns_session = session is None
    if session is None:
        session = SessionLocal()
    try:
        return session.get(Order, number)
    finally:
        if owns_session:
            session.close()


def unread(session=None):
    if session is None:
        session = SessionLocal()  # held: a result that still reads from session leaves the block
    return session.execute(text("select 1"))


def made_in_a_branch(flag, session=None):
    if flag:
        if session is None:
            session = SessionLocal()  # held: it is not made by a statement of the function itself
        return session.execute(text("select 1")).scalar()


def two_ways(session=None, factory=None):
    if session is None:
        session = factory()
        session = SessionLocal()  # held: session is bound more than once
    return session.execute(text("select 1")).scalar()


def name_is_taken(session=None):
    owns_session = session is None
    if session is None:
        session = SessionLocal()  # held: owns_session is the name of something else
    print(owns_session)
    return session.execute(text("select 1")).scalar()
