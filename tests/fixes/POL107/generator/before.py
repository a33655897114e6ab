from sqlalchemy import create_engine, text


def numbers(url):
    engine = create_engine(url)
    with engine.connect() as connection:
        for row in connection.execute(text("select id from orders")):
            yield row.id
