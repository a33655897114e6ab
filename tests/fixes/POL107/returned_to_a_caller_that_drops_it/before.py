from sqlalchemy import create_engine, text


class Source:
    def __init__(self, url):
        self.url = url

    def _engine(self):
        engine = create_engine(self.url)
        return engine

    def read(self):
        engine = self._engine()
        with engine.connect() as connection:
            return connection.execute(text("select 1")).scalar()
