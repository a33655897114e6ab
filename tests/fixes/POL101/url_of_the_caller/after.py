from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool


def work(number):
    engine = create_engine(f"postgresql+psycopg2://app@db/app{number}", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("select 1"))


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
