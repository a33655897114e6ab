from sqlalchemy import create_engine, text


def count_all(engine=None):
    return count_rows("rows", engine)


def count_rows(table, engine=None):
    if engine is None:
        engine = create_engine("postgresql://app@db/app")  # expect: POL101
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM " + table))
