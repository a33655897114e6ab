from flask import Flask

from db import get

app = Flask(__name__)


@app.get("/<tenant>")
def index(tenant):
    with get(tenant).connect():
        return ""
