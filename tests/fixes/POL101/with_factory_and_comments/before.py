from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

URL = "postgresql+psycopg2://app@db/app"
NUMBERS = range(500)


def get_db_session():
    """A session."""
    # Connections are dropped by the firewall.
    engine = create_engine(
        URL,
        pool_recycle=10,
    )  # seconds

    return sessionmaker(bind=engine)()


def work(number):
    with get_db_session() as session:
        session.execute(text("select 1"))
        session.commit()


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, NUMBERS))
