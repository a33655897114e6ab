from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def skipped():
    with engine.connect() as connection:
        total = connection.execute(text("select count(*) from orders")).scalar()
    return total


def result_behind_the_close():
    with engine.connect() as connection:
        rows = connection.execute(text("select * from orders"))
    return list(rows)
