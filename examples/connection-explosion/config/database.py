"""The database settings of the program."""

from __future__ import annotations

import os

from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

DATABASE_URL = os.environ.get("DATABASE_URL", "mysql+pymysql://app:secret@localhost:3306/messages")


def get_db_session() -> Session:
    engine = create_engine(DATABASE_URL, pool_recycle=10)
    return sessionmaker(bind=engine)()
