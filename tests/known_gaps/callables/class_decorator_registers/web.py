from flask import Flask

import database
from plugins import run

app = Flask(__name__)


@app.get("/<name>")
def index(name):
    return str(run(name)) + database.__name__
