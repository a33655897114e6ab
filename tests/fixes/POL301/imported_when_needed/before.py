def count(tenant_url):
    import sqlalchemy

    engine = sqlalchemy.create_engine(tenant_url)
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("select count(*) from orders")).scalar()
