from sqlalchemy import create_engine, text


def count(plain=True):
    if plain:
        return 0
    engine = create_engine("postgresql://app@db/app")
    with engine.connect() as connection:
        return connection.scalar(text("SELECT 1"))
