from flask import Flask, request

import handlers
from bus import publish

app = Flask(__name__)


@app.post("/orders")
def order():
    publish("order", request.json)
    return handlers.__name__
