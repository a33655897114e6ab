from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


def count():
    with sessionmaker(bind=engine, expire_on_commit=False)() as session:
        return session.execute(text("select count(*) from orders")).scalar()


def total():
    with sessionmaker(
        engine,
        autoflush=False,
    )() as session:
        return session.execute(text("select sum(price) from orders")).scalar()
