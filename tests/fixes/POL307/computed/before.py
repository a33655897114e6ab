from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

engine = create_engine("postgresql+psycopg2://app@db/app")
SessionLocal = sessionmaker(engine)


def count():
    Maker = sessionmaker(bind=engine, info={"at": text("now")})
    with Maker() as session:
        return session.execute(text("select count(*) from orders")).scalar()
