from sqlalchemy import create_engine, text


class Base:
    def __init__(self, engine=None):
        self.engine = engine if engine is not None else None
        if engine is None:
            self.engine = create_engine("postgresql://app@db/app")

    def count(self):
        with self.engine.connect() as connection:
            return connection.scalar(text("SELECT 1"))


class Store(Base):
    def __init__(self, engine):
        super().__init__(engine=engine)
