from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
_engine = None


def get_engine():
    global _engine
    match _engine:
        case None:
            _engine = create_engine("postgresql://app@db/app")
    return _engine


@app.get("/")
def index():
    with get_engine().connect() as connection:
        return str(connection.scalar(text("SELECT 1")))
