"""The handler waits two calls further on: only a helper that it calls itself is looked into."""

from fastapi import APIRouter, Depends
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from middle import load

router = APIRouter()
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def get_db():
    with SessionLocal() as session:
        yield session


@router.get("/held")
def held(db: Session = Depends(get_db)):
    url = db.scalar(text("select url from hooks"))
    return load(url)  # expect: POL212
