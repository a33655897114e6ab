from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def entered(session: Session):
    with session.connection() as connection:  # lent
        # The statement.
        connection.execute(text("""
            select 1
"""))

        print("done")
    session.execute(text("select 2"))


def closed(session: Session):
    session.connection().close()


def closed_by_name():
    with SessionLocal() as session:
        connection = session.connection()
        connection.execute(text("select 1"))
        connection.close()


def with_another(session: Session, path):
    with open(path) as file, session.connection() as connection:  # held: the rest of the statement is needed
        file.write(str(connection.execute(text("select 1")).scalar()))
