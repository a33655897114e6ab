from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

OPTIONS = {"pool_size": 5}
engine = create_engine("postgresql+psycopg2://app@db/one", poolclass=NullPool, **OPTIONS)
