
from fastapi import FastAPI
from db import get
app = FastAPI()

@app.get("/")
def index(name: str):
    return str(get(name))
