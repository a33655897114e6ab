import pandas
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_engine("postgresql+psycopg2://app@db/app")
async_engine = create_async_engine("postgresql+asyncpg://app@db/app")


def rows():
    with engine.connect() as connection:
        result = connection.execute(text("select * from orders"))
        names = [row.name for row in result]
    return sorted(names)


async def asynchronous():
    async with async_engine.connect() as connection:
        result = await connection.execute(text("select 1"))
        return result.scalar()


def unread():
    connection = engine.connect()  # held: a result that still reads from connection leaves the block
    return connection.execute(text("select 1"))


def generator():
    connection = engine.connect()
    for row in connection.execute(text("select 1")):
        yield row


def read_into_a_frame():
    with engine.connect() as connection:
        return pandas.read_sql("select 1", connection)


def read_in_pieces():
    connection = engine.connect()  # held: something that may keep connection leaves the block
    return pandas.read_sql("select 1", connection, chunksize=10)


def kept_by_an_object():
    connection = engine.connect()  # held: something that may keep connection leaves the block
    inspector = inspect(connection)
    print("inspects", inspector)
    return Report(inspector.bind)


def read_by_a_function():
    connection = engine.connect()
    return total(connection)


def total(connection):
    return connection.execute(text("select 1")).scalar()


class Report:
    def __init__(self, source):
        self.source = source
