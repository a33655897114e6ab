from fastapi import FastAPI
from sqlalchemy import create_engine, text

app = FastAPI()
engine = create_engine("postgresql+psycopg2://app@db/app")


@app.get("/")
def index():
    engine.dispose()
    with engine.begin() as connection:
        return connection.execute(text("select 1")).scalar()
