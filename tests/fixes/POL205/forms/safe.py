from contextlib import contextmanager

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import scoped_session, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))
AsyncSessionLocal = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)


def get_db():
    with SessionLocal() as db:
        yield db


async def get_async_db():
    async with AsyncSessionLocal() as db:
        yield db


@contextmanager
def committing():
    with SessionLocal() as session:
        try:
            yield session
            session.commit()
        except ValueError:
            session.rollback()
            raise


@contextmanager
def never_closed():
    session = SessionLocal()
    yield session


def plain_generator():
    session = SessionLocal()
    yield session
    session.close()


@contextmanager
def registry():
    session = scoped_session(SessionLocal)
    try:
        yield session
        session.commit()
    finally:
        session.close()


@app.get("/")
def index(db=Depends(get_db), other=Depends(get_async_db)):
    return db.execute(text("SELECT 1")).scalar()
