from concurrent.futures import ThreadPoolExecutor
from sqlalchemy import create_engine, text


class Jobs:
    def count(self, number):
        engine = create_engine("postgresql+psycopg2://app@db/app")
        with engine.connect() as connection:
            return connection.execute(text("select count(*) from t")).scalar()

    def total(self, number):
        engine = create_engine("postgresql+psycopg2://app@db/app")
        with engine.connect() as connection:
            return connection.execute(text("select sum(x) from t")).scalar()


jobs = Jobs()
with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(jobs.count, range(500)))
    list(executor.map(jobs.total, range(500)))
