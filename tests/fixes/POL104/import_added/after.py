from functools import cached_property

from sqlalchemy import create_engine


class Repository:
    @cached_property  # one for each object
    def engine(self):
        engine = create_engine("postgresql+psycopg2://app@db/app")
        return engine
