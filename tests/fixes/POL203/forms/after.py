from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def touch(number):
    with SessionLocal() as session:
        try:
            session.execute(text("update orders set seen = now() where id = :id"), {"id": number})
            session.commit()
        except Exception:
            session.rollback()
            raise
