from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def unread():
    with engine.connect() as connection:
        return connection.execute(text("select * from orders")).all()
