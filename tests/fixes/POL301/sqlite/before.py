from sqlalchemy import create_engine, text


def count(name):
    engine = create_engine("sqlite:///" + name)
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()
