"""What is written and never committed gets a block that commits; a plain connect() would lose it at the end."""

from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_engine("postgresql+psycopg2://app@db/app")
async_engine = create_async_engine("postgresql+asyncpg://app@db/app")
metadata = MetaData()


def marked(number):
    connection = engine.connect()
    try:
        result = connection.execute(text("update orders set seen = true where id = :id"), {"id": number})
    except ValueError as error:
        raise RuntimeError(number) from error
    return result.rowcount


async def marked_without_blocking(number):
    connection = await async_engine.connect()
    await connection.execute(text("update orders set seen = true where id = :id"), {"id": number})


def in_two_units():
    connection = engine.connect()
    connection.execute(text("update orders set seen = true"))
    connection.commit()
    connection.execute(text("update items set seen = true"))


def schema():
    connection = engine.connect()
    connection.execute(text("select 1"))
    metadata.create_all(connection)


def schema_and_commit():
    connection = engine.connect()
    try:
        metadata.drop_all(bind=connection)
        connection.execute(text("select 1"))
        connection.commit()
    except ValueError:
        print("no")


def schema_in_a_chain():
    metadata.drop_all(bind=engine.connect())
