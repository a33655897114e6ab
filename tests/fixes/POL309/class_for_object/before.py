import sqlalchemy as sa
from sqlalchemy.pool import NullPool

engine = sa.create_engine("postgresql+psycopg2://app@db/one", pool=NullPool)
