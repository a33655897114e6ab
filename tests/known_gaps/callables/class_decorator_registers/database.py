from sqlalchemy import create_engine, text

from plugins import plugin


@plugin
class Database:
    def rows(self):
        engine = create_engine("postgresql://app@db/app")  # expect: POL101
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT * FROM rows")))
