from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://app@db/app")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def save(session: AsyncSession, row):
    session.add(row)
    session.commit()  # saved


async def stop():
    if engine: engine.dispose()


def stop_from_outside():
    engine.dispose()
