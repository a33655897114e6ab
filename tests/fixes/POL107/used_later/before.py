from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def counts(url):
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        for row in await connection.execute(text("select id from orders")):
            yield row.id
