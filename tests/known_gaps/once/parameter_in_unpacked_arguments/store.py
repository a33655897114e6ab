from sqlalchemy import create_engine, text


def count_rows(engine=None):
    if engine is None:
        engine = create_engine("postgresql://app@db/app")
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM rows"))
