from flask import Flask, request

import handlers
from bus import bus

app = Flask(__name__)


@app.post("/orders")
def order():
    bus.publish(request.json)
    return handlers.__name__
