from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import scoped_session, sessionmaker


def work(number):
    url = "postgresql+psycopg2://app@db/app"
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("select 1"))


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
