"""What is written and never committed gets a block that commits; a plain connect() would lose it at the end."""

from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_engine("postgresql+psycopg2://app@db/app")
async_engine = create_async_engine("postgresql+asyncpg://app@db/app")


def marked(number):
    with engine.begin() as connection:
        try:
            result = connection.execute(text("update orders set seen = true where id = :id"), {"id": number})
        except ValueError as error:
            raise RuntimeError(number) from error
        return result.rowcount


async def marked_without_blocking(number):
    async with async_engine.begin() as connection:
        await connection.execute(text("update orders set seen = true where id = :id"), {"id": number})


def in_two_units():
    connection = engine.connect()
    connection.execute(text("update orders set seen = true"))
    connection.commit()
    connection.execute(text("update items set seen = true"))
