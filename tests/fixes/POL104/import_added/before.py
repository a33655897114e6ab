from sqlalchemy import create_engine


class Repository:
    @property  # one for each object
    def engine(self):
        engine = create_engine("postgresql+psycopg2://app@db/app")
        return engine
