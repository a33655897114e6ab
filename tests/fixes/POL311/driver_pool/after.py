import psycopg_pool
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

pool = psycopg_pool.ConnectionPool("postgresql://app@db/app", close_returns=True)
engine = sa.create_engine(
    "postgresql+psycopg://",
    creator=pool.getconn,  # lent
    poolclass=NullPool
)
