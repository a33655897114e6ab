from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def written():
    with engine.connect() as connection:
        connection.execute(text("update orders set paid = true"))


def two_transactions(rows):
    with engine.connect() as connection:  # held: the block ends transactions itself, or hands out what it holds
        for row in rows:
            with connection.begin_nested() as savepoint:
                connection.execute(text("insert into orders values (:id)"), row)
                if row["cancelled"]:
                    savepoint.rollback()


def not_in_with():
    connection = engine.connect()  # held: no with block of its own holds all that is written
    try:
        connection.execute(text("update orders set paid = true"))
    finally:
        connection.close()
