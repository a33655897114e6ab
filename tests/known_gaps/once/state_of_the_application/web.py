from fastapi import FastAPI, Request
from sqlalchemy import create_engine, text

app = FastAPI()


@app.get("/")
def index(request: Request):
    if not hasattr(request.app.state, "engine"):
        request.app.state.engine = create_engine("postgresql://app@db/app")
    with request.app.state.engine.connect() as connection:
        return str(connection.scalar(text("SELECT 1")))


@app.get("/state")
def state(request: Request):
    if not hasattr(request.state, "engine"):
        request.state.engine = create_engine("postgresql://app@db/app")  # expect: POL101
    with request.state.engine.connect() as connection:
        return str(connection.scalar(text("SELECT 1")))
