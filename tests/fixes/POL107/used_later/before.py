from sqlalchemy import create_engine, text


def counts(url):
    engine = create_engine(url)
    with engine.connect() as connection:
        for row in connection.execute(text("select id from orders")):
            yield row.id
