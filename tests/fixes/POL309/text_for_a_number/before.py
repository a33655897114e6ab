"""Environment variables are text: a pool that counts or compares with one raises TypeError."""

import os
from os import environ

from sqlalchemy import create_engine

URL = "postgresql+psycopg2://app@db/app"

required = create_engine(URL, max_overflow=os.environ["OVERFLOW"])
with_default = create_engine(URL, pool_size=os.getenv("POOL_SIZE", 5), max_overflow=environ.get("OVERFLOW", "10"))
in_quotes = create_engine(
    URL,
    pool_timeout="30",  # seconds
)
optional = create_engine(URL, pool_recycle=os.getenv("RECYCLE"))  # held: what is meant where the variable is not set is not clear
words = create_engine(URL, pool_recycle="an hour")  # held: the text is not a whole number
SIZE = os.environ["POOL_SIZE"]
elsewhere = create_engine(URL, pool_size=SIZE)  # held: the text is not written in the call
converted = create_engine(URL, pool_size=int(os.environ["POOL_SIZE"]))
