from flask import Flask

from store import count_all

app = Flask(__name__)


@app.get("/")
def index():
    return str(count_all())
