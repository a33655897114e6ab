from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker


def work(number):
    Maker = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"), expire_on_commit=False)
    with Maker() as session:
        session.execute(text("select 1"))


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
