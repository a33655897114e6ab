from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_async_engine("postgresql+asyncpg://app@db/app")
OPTIONS = {"autoflush": False}
First = async_sessionmaker(engine)
Second = sessionmaker(
    engine,
    class_=AsyncSession,
    expire_on_commit=True,  # the default
)
Third = async_sessionmaker(
    engine,
    autoflush=False,
)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


async def add(user: User) -> None:
    async with First() as session, Second() as second, Third() as third:
        session.add(user)
        await session.commit()
        await second.commit()
        await third.commit()
