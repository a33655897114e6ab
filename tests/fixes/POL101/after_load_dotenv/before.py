import os
from concurrent.futures import ThreadPoolExecutor

from dotenv import load_dotenv
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

load_dotenv()


def work(number):
    engine = create_engine(os.environ["DATABASE_URL"], echo=True)
    Maker = Session
    with Maker(engine) as session:
        session.commit()


with ThreadPoolExecutor(max_workers=20) as executor:
    list(executor.map(work, range(500)))
