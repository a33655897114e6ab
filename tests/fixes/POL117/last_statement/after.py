from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_engine("postgresql+psycopg2://app@db/app")
async_engine = create_async_engine("postgresql+asyncpg://app@db/app")


@app.post("/")
def index():
    with engine.begin() as connection:
        connection.execute(text("delete from t"))


@app.post("/other")
async def other():
    async with async_engine.begin() as connection:
        await connection.execute(text("delete from t"))
