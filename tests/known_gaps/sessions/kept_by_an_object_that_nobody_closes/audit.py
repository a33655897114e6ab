"""A session for each object, made once a request, that nothing ever closes."""

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

app = Flask(__name__)
SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


class Audit:
    def __init__(self):
        self.session = SessionLocal()  # expect: POL201

    def count(self):
        return self.session.execute(text("SELECT count(*) FROM audit")).scalar()


@app.get("/audit")
def audit():
    return str(Audit().count())
