"""What a request changes on the session of Flask-SQLAlchemy has to be committed before the response."""

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(64))

    def rename(self, name):
        if not name:
            return False
        self.name = name
        db.session.add(self)  # the new name
        return True


@app.post("/name/<int:number>")
def change_name(number):
    user = db.session.get(User, number)
    return {"changed": user.rename(request.form["name"])}


@app.post("/users")
def add_users():
    first = User(name=request.form["first"])
    db.session.add(first)
    second = User(name=request.form["second"])
    db.session.add(second)
    return {"added": 2}


@app.post("/many")
def add_many():
    for name in request.form.getlist("name"):
        db.session.add(User(name=name))  # held: the change stands in a loop, or in a block that may take it back
    return {"added": "all"}


@app.post("/either")
def add_either():
    if "first" in request.form:
        db.session.add(User(name=request.form["first"]))  # held: changes stand in several blocks, or in larger statements
    else:
        db.session.add(User(name=request.form["second"]))
    return {"added": 1}
