from sqlalchemy import create_engine, text


def numbers(url):
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            for row in connection.execute(text("select id from orders")):
                yield row.id
    finally:
        engine.dispose()
