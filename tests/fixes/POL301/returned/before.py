from sqlalchemy import create_engine, text


def url_of(tenant):
    return f"postgresql+psycopg2://app@db/{tenant}"


def make(tenant):
    engine = create_engine(url_of(tenant))
    return engine


def count(tenant):
    with make(tenant).connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()
