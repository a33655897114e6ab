from functools import partial

from flask import Flask
from sqlalchemy import create_engine

from store import count_rows

app = Flask(__name__)
ENGINE = create_engine("postgresql://web@db/web")
counted = partial(count_rows, engine=ENGINE)


@app.get("/")
def index():
    return str(counted("rows"))
