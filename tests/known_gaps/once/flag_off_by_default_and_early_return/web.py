from flask import Flask

from db import count

app = Flask(__name__)
ROWS = count(False)


@app.get("/")
def index():
    return str(count())
