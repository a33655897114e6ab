from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)


def get_engine():
    if "_engine" not in globals():
        globals()["_engine"] = create_engine("postgresql://app@db/app")
    return globals()["_engine"]


@app.get("/")
def index():
    with get_engine().connect() as connection:
        return str(connection.scalar(text("SELECT 1")))
