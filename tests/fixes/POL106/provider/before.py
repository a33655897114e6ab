import os

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine

app = FastAPI()


def get_engine():
    """One for each request."""
    url = os.environ["DATABASE_URL"].strip()
    return create_engine(url)


@app.get("/")
def index(engine=Depends(get_engine)):
    return {"pool": engine.pool.size()}
