import sqlalchemy
from sqlalchemy.pool import NullPool, QueuePool


def count(tenant_url):
    engine = sqlalchemy.create_engine(tenant_url, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("select count(*) from orders")).scalar()
