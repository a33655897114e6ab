from sqlalchemy import create_engine, text


def count(url):
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            total = connection.execute(text("select count(*) from orders")).scalar()
    finally:
        # The server allows few connections.
        engine.dispose()  # now
    print(total)
    return total
