from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text


def get_engine():
    with_password = open("/run/url").read().strip()
    engine = create_engine(with_password)
    return engine


def work(number):
    with get_engine().connect() as connection:
        connection.execute(text("select 1"))


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
