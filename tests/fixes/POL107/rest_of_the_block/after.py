from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine


def count(url):
    if url:
        engine = create_engine(url)  # one database
        try:
            # The table is small.
            with engine.connect() as connection:
                query = """
            select count(*)
            from orders
            """
                total = connection.execute(text(query)).scalar()
            return total
        finally:
            engine.dispose()
    return 0


async def total(url):
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.scalar(text("select 1"))
    finally:
        await engine.dispose()
