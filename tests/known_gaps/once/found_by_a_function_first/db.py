from sqlalchemy import create_engine

_databases = {}


def find_engine(name):
    return _databases.get(name)


def get(tenant):
    known = find_engine(tenant)
    if known is not None:
        return known
    engine = _databases[tenant] = create_engine(f"postgresql://app@db/{tenant}")
    return engine
