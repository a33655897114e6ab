"""The URL comes from the caller: no engine for all calls, so the one of each call gets no pool."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def counted(url):
    engine = create_engine(url, pool_size=2, echo=False)
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()


def in_a_session(url):
    with Session(create_engine(url)) as session:
        return session.execute(text("select 1")).scalar()


def given_back(url):
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    return engine


def unpacked(url, **options):
    engine = create_engine(url, **options)
    with engine.connect() as connection:
        return connection.execute(text("select 1")).scalar()


with ThreadPoolExecutor() as executor:
    urls = [f"mysql+mysqldb://app@db{number}/app" for number in range(100)]
    print(list(executor.map(counted, urls)))
    print(list(executor.map(in_a_session, urls)))
    print(list(executor.map(given_back, urls)))
    print(list(executor.map(unpacked, urls)))
