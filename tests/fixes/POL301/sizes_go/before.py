from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def count(tenant_url):
    engine = create_engine(
        tenant_url,
        pool_size=2,  # two are enough
        max_overflow=0,
        pool_pre_ping=True,
    )
    with Session(engine) as session:
        return session.execute(text("select count(*) from orders")).scalar()
