from concurrent.futures import ThreadPoolExecutor
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


class Jobs:
    def count(self, number):
        with engine.connect() as connection:
            return connection.execute(text("select count(*) from t")).scalar()

    def total(self, number):
        with engine.connect() as connection:
            return connection.execute(text("select sum(x) from t")).scalar()


jobs = Jobs()
with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(jobs.count, range(500)))
    list(executor.map(jobs.total, range(500)))
