from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

one = create_engine("postgresql+psycopg2://app@db/one", poolclass=NullPool, echo=True)
two = create_engine("postgresql+psycopg2://app@db/two", poolclass=NullPool)
three = create_engine(
    "postgresql+psycopg2://app@db/three",
    poolclass=NullPool,  # closed at once
    pool_pre_ping=True,
)
