from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool


def count(tenant_url):
    engine = create_engine(
        tenant_url,
        poolclass=NullPool,
        pool_pre_ping=True,
    )
    with Session(engine) as session:
        return session.execute(text("select count(*) from orders")).scalar()
