from fastapi import Depends, FastAPI, Request
from sqlalchemy import create_engine

app = FastAPI()


def get_engine(request: Request):
    return create_engine(request.app.state.url)


@app.get("/")
def index(engine=Depends(get_engine)):
    return {"pool": engine.pool.size()}
