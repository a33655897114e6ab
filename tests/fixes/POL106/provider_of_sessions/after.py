from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine("postgresql+psycopg2://app@db/app")

app = FastAPI()


def get_session():
    with Session(engine) as session:
        yield session


@app.get("/")
def index(session=Depends(get_session)):
    return session.scalar(text("select 1"))
