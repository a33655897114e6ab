from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

engine = create_async_engine("postgresql+asyncpg://app@db/app")
OPTIONS = {"autoflush": False}
First = async_sessionmaker(engine, expire_on_commit=False)
Second = sessionmaker(
    engine,
    class_=AsyncSession,
    expire_on_commit=False,
)
Third = async_sessionmaker(
    engine,
    autoflush=False,
    expire_on_commit=False,
)
