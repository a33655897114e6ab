import psycopg_pool
import sqlalchemy as sa

pool = psycopg_pool.ConnectionPool("postgresql://app@db/app", close_returns=True)
engine = sa.create_engine(
    "postgresql+psycopg://",
    creator=pool.getconn  # lent
)
