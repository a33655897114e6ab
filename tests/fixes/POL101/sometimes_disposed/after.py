from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import scoped_session, sessionmaker


def work(number):
    engine = create_engine("postgresql+psycopg2://app@db/app")
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    finally:
        engine.dispose()


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
