from sqlalchemy import create_engine, text


def save(rows):
    for row in rows:
        engine = create_engine("postgresql+psycopg2://app@db/app")
        with engine.begin() as connection:
            connection.execute(text("insert into t values (:x)"), {"x": row})


def vacuum(urls):
    for url in urls:
        database = create_engine(url)

        with database.begin() as connection:
            connection.execute(text("vacuum"))


def load(url, rows):
    # One row at a time.
    for row in rows:
        # The main database.
        main = create_engine(
            url,
            pool_pre_ping=True,
        )

        with main.begin() as connection:
            connection.execute(text("insert into t values (:x)"), {"x": row})
    else:
        print("done")
    # That is all.
    return len(rows)
