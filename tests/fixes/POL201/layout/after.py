from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def report(ids, path):
    # What we count.
    total = 0
    with SessionLocal(  # one for all
        autoflush=False,
    ) as session:  # opened late
        # First the sum,
        # in one go.
        query = """
        select sum(price)
    from orders
"""
        total += session.execute(text(query)).scalar()  # may be None
        for number in ids:
            if number:
                name = f"""order
{number}"""
                session.execute(text("select 1"), {"name": name})
            # no number: nothing to do
    # The rest needs no database.
    with open(path) as file:
        file.write(str(total))
    return total


def continued(first, second):
    with SessionLocal() as session:
        number = session.execute(text("select 1")).scalar() + \
            first + \
            second
    return number


def in_a_case(wanted):
    match wanted:
        case 1:
            with SessionLocal() as session:
                session.execute(text("select 1"))
        case _:
            pass
