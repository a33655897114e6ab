from sqlalchemy import create_engine, text


def count(url, close):
    engine = create_engine(url)
    with engine.connect() as connection:
        total = connection.execute(text("select count(*) from orders")).scalar()
    if close:
        engine.dispose()
    else:
        engine.dispose()
    return total
