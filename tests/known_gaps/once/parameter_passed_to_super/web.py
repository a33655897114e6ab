from flask import Flask
from sqlalchemy import create_engine

from store import Store

app = Flask(__name__)
ENGINE = create_engine("postgresql://web@db/web")


@app.get("/")
def index():
    return str(Store(ENGINE).count())
