import logging

from sqlalchemy import create_engine, text


def check(url):
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    except Exception:
        logging.exception("no database")
        # Go on without it.
    print("checked")


def show(url):
    engine = create_engine(url)
    with engine.connect() as connection:
        print(connection.execute(text("select 1")).scalar())

    for number in range(10):
        print(number)
