from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))
AsyncSessionLocal = async_sessionmaker(create_async_engine("postgresql+asyncpg://app@db/app"), expire_on_commit=False)
app = FastAPI()


def get_db():
    return SessionLocal()  # for one request


def get_named() -> Session:
    session = SessionLocal()  # one
    # No waiting.
    session.execute(text("set statement_timeout = 1000"))
    return session


async def get_async() -> AsyncSession:
    return AsyncSessionLocal()


def called_elsewhere():
    return SessionLocal()  # held: other code may call the function too


def sometimes(name: str):
    if name:
        return SessionLocal()  # held: the function returns in more than one place, or under a condition
    return None


@app.get("/")
def index(
    db=Depends(get_db),
    named=Depends(get_named),
    other=Depends(get_async),
    called=Depends(called_elsewhere),
    named_one=Depends(sometimes),
):
    return db.execute(text("select 1")).scalar()


def script():
    with called_elsewhere() as session:
        session.execute(text("select 1"))
