from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def skipped():
    connection = engine.connect()
    total = connection.execute(text("select count(*) from orders")).scalar()
    connection.close()
    return total


def result_behind_the_close():
    connection = engine.connect()
    rows = connection.execute(text("select * from orders"))
    connection.close()
    return list(rows)
