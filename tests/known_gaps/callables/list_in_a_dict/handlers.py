from sqlalchemy import create_engine, text

from bus import subscribe


def save(order):
    engine = create_engine("postgresql://app@db/app")  # expect: POL101
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO rows VALUES (:row)"), {"row": order})


subscribe("order", save)
