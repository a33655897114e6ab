from sqlalchemy import create_engine


class Repository:
    @property
    def engine(self):
        return create_engine("postgresql+psycopg2://app@db/app")

    @engine.setter
    def engine(self, value):
        raise AttributeError("engine")


class Slotted:
    __slots__ = ()

    @property
    def engine(self):
        return create_engine("postgresql+psycopg2://app@db/other")
