from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://app@db/app")


def save(rows):
    for row in rows:
        with engine.begin() as connection:
            connection.execute(text("insert into t values (:x)"), {"x": row})


def vacuum(urls):
    for url in urls:
        database = create_engine(url)
        try:
            with database.begin() as connection:
                connection.execute(text("vacuum"))
        finally:
            database.dispose()


def load(url, rows):
    # The main database.
    main = create_engine(
        url,
        pool_pre_ping=True,
    )
    try:
        # One row at a time.
        for row in rows:
            with main.begin() as connection:
                connection.execute(text("insert into t values (:x)"), {"x": row})
        else:
            print("done")
    finally:
        main.dispose()
    # That is all.
    return len(rows)
