from flask import Flask
from sqlalchemy import create_engine

from store import count_rows

app = Flask(__name__)
ENGINE = create_engine("postgresql://web@db/web")


@app.get("/")
def index(**options):
    return str(count_rows(**options))


@app.get("/two")
def two(*arguments):
    return str(count_rows(*arguments))
