import sqlalchemy
from sqlalchemy.pool import QueuePool


def count(tenant_url):
    engine = sqlalchemy.create_engine(tenant_url, poolclass=QueuePool, pool_size=2, max_overflow=0)
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("select count(*) from orders")).scalar()
