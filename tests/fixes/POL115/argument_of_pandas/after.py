from concurrent.futures import ThreadPoolExecutor

import pandas as pd
from sqlalchemy import create_engine

engine = create_engine(
    "postgresql+psycopg2://app@db/app",
    pool_pre_ping=True,
)


def work(number):
    return pd.read_sql(
        "select 1",
        engine,
    )


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
