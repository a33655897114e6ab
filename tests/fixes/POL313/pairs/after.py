"""NullPool gives no session back: a with block does. The finding that is left says that the pair is harmless."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool


def plain(number):
    engine = create_engine("mysql+mysqldb://app@db/app", poolclass=NullPool)
    with sessionmaker(bind=engine)() as session:
        return session.execute(text("select 1")).scalar() + number


def committed_at_the_end(number):
    engine = create_engine("mysql+mysqldb://app@db/app", poolclass=NullPool)
    with sessionmaker(bind=engine)() as session:
        session.execute(text("update seen set number = number + 1"))
        session.commit()
    return number


def handed_out(number):
    engine = create_engine("mysql+mysqldb://app@db/app", poolclass=NullPool)
    session = sessionmaker(bind=engine)()
    session.execute(text("select 1"))
    return [session, number]


def both(number):
    engine = create_engine("mysql+mysqldb://app@db/app", poolclass=NullPool)
    registry = scoped_session(sessionmaker(bind=engine))
    session = registry()  # held: a registry keeps the session
    return session.execute(text("select 1")).scalar() + number


with ThreadPoolExecutor() as executor:
    print(list(executor.map(plain, range(100))))
    print(list(executor.map(committed_at_the_end, range(100))))
    print(list(executor.map(handed_out, range(100))))
    print(list(executor.map(both, range(100))))
