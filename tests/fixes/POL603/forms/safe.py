import pandas
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def fetched():
    with engine.connect() as connection:
        return connection.execute(text("select 1")).scalar()  # one


def in_lines(number):
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
select *
  from orders where id = :id"""),
            {"id": number},
        ).fetchall()
    return [tuple(row) for row in rows]


def in_a_loop():
    with engine.connect() as connection:
        for row in connection.execute(text("select 1")):
            print(row)
            # the end
    print("done")


def with_options():
    with engine.connect().execution_options(stream_results=True) as connection_with_options:
        return connection_with_options.execute(text("select 1")).scalar()


def written(number):
    engine.connect().execute(text("delete from orders where id = :id"), {"id": number})


def given_on():
    return pandas.DataFrame(engine.connect().execute(text("select 1")))


def unread():
    return engine.connect().execute(text("select 1"))  # held: a result that still reads from the connection leaves the statement


def sometimes(wanted):
    return wanted or engine.connect().execute(text("select 1")).scalar()  # held: the statement does not run it once
