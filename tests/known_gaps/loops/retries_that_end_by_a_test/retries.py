import time

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError


def flag_in_the_test(url):
    connected = False
    while not connected:
        try:
            engine = create_engine(url)
            engine.connect().close()
            connected = True
        except OperationalError:
            time.sleep(1)
    return engine


def flag_in_the_test_of_engine(url):
    engine = None
    while engine is None:
        try:
            engine = create_engine(url)
        except OperationalError:
            time.sleep(1)
    return engine


def if_then_return(url):
    for _ in range(5):
        engine = create_engine(url)
        if ping(engine):
            return engine
        engine.dispose()
        time.sleep(1)
    raise SystemExit(1)


def if_then_break(url):
    for _ in range(5):
        engine = create_engine(url)
        if ping(engine):
            break
        time.sleep(1)
    return engine


def while_walrus(url):
    while not ping(engine := create_engine(url)):
        time.sleep(1)
    return engine


def ping(engine):
    try:
        engine.connect().close()
    except OperationalError:
        return False
    return True
