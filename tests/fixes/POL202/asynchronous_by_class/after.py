from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import sessionmaker

from app.factories import unknown_factory


class OwnSession(AsyncSession):
    pass


engine = create_async_engine("postgresql+asyncpg://app@db/app")
ByKeyword = sessionmaker(bind=engine, class_=AsyncSession, expire_on_commit=False)
ByPosition = sessionmaker(engine, AsyncSession)
OwnClass = sessionmaker(engine, class_=OwnSession)
NotKnown = sessionmaker(engine, class_=unknown_factory())


async def by_keyword() -> None:
    async with ByKeyword() as session:
        await session.execute(text("SELECT 1"))


async def by_position() -> None:
    async with ByPosition() as session:
        await session.execute(text("SELECT 1"))


async def of_a_class_of_its_own() -> None:
    async with OwnClass() as session:
        await session.execute(text("SELECT 1"))


async def told_by_its_use() -> None:
    async with NotKnown() as session:
        await session.execute(text("SELECT 1"))
