import pandas
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_engine("postgresql+psycopg2://app@db/app")
Profiler = object
async_engine = create_async_engine("postgresql+asyncpg://app@db/app")


def rows():
    connection = engine.connect()
    result = connection.execute(text("select * from orders"))
    names = [row.name for row in result]
    return sorted(names)


async def asynchronous():
    connection = await async_engine.connect()
    result = await connection.execute(text("select 1"))
    return result.scalar()


def unread():
    connection = engine.connect()  # held: a result that still reads from connection leaves the block
    return connection.execute(text("select 1"))


def generator():
    connection = engine.connect()
    for row in connection.execute(text("select 1")):
        yield row


def read_by_others():
    connection = engine.connect()
    return pandas.read_sql("select 1", connection)


def inspected():
    connection = engine.connect()  # held: an object that was made with connection leaves the block
    inspector = inspect(connection)
    return Profiler(inspector.bind)
