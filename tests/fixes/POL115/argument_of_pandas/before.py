from concurrent.futures import ThreadPoolExecutor

import pandas as pd
from sqlalchemy import create_engine


def work(number):
    return pd.read_sql(
        "select 1",
        create_engine(
            "postgresql+psycopg2://app@db/app",
            pool_pre_ping=True,
        ),
    )


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
