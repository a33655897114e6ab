"""A session that the caller may give: the one that is made here is closed on every way out."""

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


def expired(logger, session=None):
    if session is None:
        session = SessionLocal()
    try:
        found = session.execute(text("select id from dismissals where until < now()")).scalars().all()
        if not found:
            return
        session.execute(text("delete from dismissals where until < now()"))
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        # also when there was nothing to do
        logger.info("dismissal check completed")


def closed_for_the_caller(number, session=None):
    if session is None:
        session = SessionLocal()  # held: session is closed here, also where the caller gives it
    session.execute(text("delete from orders where id = :id"), {"id": number})
    session.commit()
    session.close()
