from sqlalchemy import create_engine


def engines(first, second):
    found = []
    found.append(create_engine(first))
    found.append(create_engine(second))
    return found
