from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

one = create_engine("postgresql+psycopg2://app@db/one", poolclass=NullPool, pool_size=5, max_overflow=10, echo=True)
two = create_engine("postgresql+psycopg2://app@db/two", pool_size=5, poolclass=NullPool, pool_timeout=10)
three = create_engine(
    "postgresql+psycopg2://app@db/three",
    poolclass=NullPool,  # closed at once
    pool_size=5,  # five
    max_overflow=10,
    pool_pre_ping=True,
    pool_timeout=10
)
