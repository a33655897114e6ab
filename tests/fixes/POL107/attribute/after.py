"""An attribute is set to something else while its engine has open connections."""

from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine


class Store:
    def __init__(self):
        self.engine = None

    def open(self, url):
        self.engine = create_engine(url)
        with self.engine.connect() as connection:
            connection.execute(text("select 1"))

    def close(self):
        if self.engine is not None:
            self.engine.dispose()
        self.engine = None  # nothing is open any more


class Tested:
    engine = None

    def open(self, url):
        self.engine = create_engine(url)

    def close(self):
        if self.engine is not None:
            self.engine.dispose()
            self.engine = None

    def forget(self):
        print("forgotten")
        del self.engine


class Late:
    def open(self, url):
        self.engine = create_engine(url)

    def close(self):
        self.engine = None  # held: self.engine may not be set yet


class Asynchronous:
    def __init__(self, url):
        self.engine = create_async_engine(url)

    async def close(self):
        if self.engine is not None:
            await self.engine.dispose()
        self.engine = None

    def drop(self):
        self.engine = None  # held: await is only possible in an async def
