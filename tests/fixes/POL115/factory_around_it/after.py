from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
Maker = sessionmaker(engine, expire_on_commit=False)


def work(number):
    with Maker() as session:
        session.execute(text("select 1"))


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
