"""Every safe fix keeps what the program does and ends the harm: it runs before and after on a SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from behaviour import Behaviour, before_and_after

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("sqlalchemy")

HEAD = """
from contextlib import contextmanager

from sqlalchemy import create_engine, select, text, func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker

engine = create_engine(URL)
SessionLocal = sessionmaker(engine)

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

"""


class Case(NamedTuple):
    """A program. Its bad form leaves connections out (`leaves`: at least so many), or raises."""

    code: str
    what: str
    program: str
    raises: bool = False
    leaves: int = 1


CASES = [
    Case(
        "POL201",
        "a value is returned",
        """
def run():
    session = SessionLocal()
    return session.execute(text("select name from orders where id = 2")).scalar()
""",
    ),
    Case(
        "POL201",
        "objects are read in the block",
        """
def run():
    session = SessionLocal()
    names = []
    for order in session.scalars(select(Order).order_by(Order.id)):
        names.append(f"{order.id} {order.name}")
    return names
""",
    ),
    Case(
        "POL201",
        "a session for each turn of a loop",
        """
def run():
    names = []
    for number in (1, 2, 3, 4):
        session = SessionLocal()
        row = session.execute(text("select name from orders where id = :id"), {"id": number}).first()
        if row is None:
            break
        names.append(row[0])
    return names
""",
    ),
    Case(
        "POL202",
        "an exception skips the close",
        """
def save(name):
    session = SessionLocal()
    session.execute(text("insert into orders (name) values (:name)"), {"name": name})
    session.commit()
    session.close()

def run():
    try:
        save("one")
    except Exception as error:
        return type(error).__name__
    return "saved"
""",
    ),
    Case(
        "POL202",
        "an early return skips the close",
        """
def find(wanted):
    session = SessionLocal()
    number = session.execute(text("select id from orders where name = :name"), {"name": wanted}).scalar()
    if number is None:
        return "none"
    session.close()
    return number

def run():
    return [find("two"), find("four")]
""",
    ),
    Case(
        "POL202",
        "objects that leave are as detached as before",
        """
def find(number):
    session = SessionLocal()
    order = session.get(Order, number)
    if number > 5:
        raise ValueError(number)
    session.close()
    return order

def run():
    try:
        find(6)
    except ValueError as error:
        return [find(2).name, str(error)]
""",
    ),
    Case(
        "POL202",
        "an exit method whose commit fails",
        """
class UnitOfWork:
    def __enter__(self):
        self.session = SessionLocal()
        return self.session

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.session.commit()
        self.session.close()

def run():
    with UnitOfWork() as session:
        session.add(Order(name="four"))
    try:
        with UnitOfWork() as session:
            session.add(Order(name="five"))
            session.execute(text("select 1"))
            session.add(Order(name="one"))
    except IntegrityError:
        return "taken"
""",
        leaves=0,
    ),
    Case(
        "POL205",
        "a registry of its own",
        """
@contextmanager
def scope():
    session = scoped_session(SessionLocal)
    yield session
    session.commit()
    session.close()

def run():
    try:
        with scope() as session:
            session.execute(text("select 1"))
            raise ValueError("no")
    except ValueError as error:
        return str(error)
""",
    ),
    Case(
        "POL601",
        "rows are returned",
        """
def run():
    connection = engine.connect()
    rows = connection.execute(text("select id, name from orders order by id")).fetchall()
    return [tuple(row) for row in rows]
""",
    ),
    Case(
        "POL602",
        "an exception skips the close",
        """
def count(table):
    connection = engine.connect()
    connection.execute(text("select 1"))
    total = connection.execute(text(f"select count(*) from {table}")).scalar()
    connection.close()
    return total

def run():
    try:
        count("nothing")
    except Exception as error:
        return [count("orders"), type(error).__name__]
""",
    ),
    Case(
        "POL205",
        "the code in the with block raises",
        """
@contextmanager
def scope():
    session = SessionLocal()
    yield session
    session.commit()
    session.close()

def run():
    with scope() as session:
        session.add(Order(name="four"))
    try:
        with scope() as session:
            session.add(Order(name="five"))
            session.execute(text("select 1"))
            raise ValueError("no")
    except ValueError as error:
        return str(error)
""",
    ),
    Case(
        "POL207",
        "a name that is taken",
        """
def run():
    saved = []
    with SessionLocal() as session:
        for name in ("four", "one", "five"):
            try:
                session.add(Order(name=name))
                session.commit()
                saved.append(name)
            except IntegrityError:
                print("taken")
        return saved
""",
        raises=True,
    ),
    Case(
        "POL203",
        "a commit and no close",
        """
def save(name):
    session = SessionLocal()
    try:
        session.execute(text("insert into orders (name) values (:name)"), {"name": name})
        session.commit()
    except Exception:
        session.rollback()
        raise

def run():
    save("four")
    try:
        save("four")
    except IntegrityError:
        return "taken"
""",
        leaves=0,
    ),
    Case(
        "POL603",
        "a chain",
        """
def run():
    total = engine.connect().execute(text("select count(*) from orders")).scalar()
    names = []
    for row in engine.connect().execute(text("select name from orders order by id")):
        names.append(row.name)
    return total, names
""",
    ),
    Case(
        "POL603",
        "a chain that sets options",
        """
def run():
    chosen = engine.connect().execution_options(stream_results=True)
    return chosen.execute(text("select count(*) from orders")).scalar()
""",
    ),
    Case(
        "POL608",
        "the connection of a session in with",
        """
def run():
    with SessionLocal() as session:
        with session.connection() as connection:
            connection.execute(text("select 1"))
        return session.execute(text("select count(*) from orders")).scalar()
""",
        raises=True,
    ),
    Case(
        "POL608",
        "the connection of a session is closed",
        """
def run():
    with SessionLocal() as session:
        connection = session.connection()
        connection.execute(text("select 1"))
        connection.close()
        return session.execute(text("select count(*) from orders")).scalar()
""",
        raises=True,
    ),
]

CASES += [
    Case(
        "POL201",
        "a session that the caller may give",
        """
def names(session=None):
    if session is None:
        session = SessionLocal()
    return session.execute(text("select name from orders order by id")).scalars().all()

def run():
    with SessionLocal() as given:
        given.execute(text("insert into orders (name) values ('four')"))
        seen = names(given)
        still = given.execute(text("select count(*) from orders")).scalar()
    return seen, still, names()
""",
    ),
    Case(
        "POL202",
        "a session that the caller may give, in a try",
        """
def remove(name, session=None):
    session = session or SessionLocal()
    try:
        number = session.execute(text("select id from orders where name = :name"), {"name": name}).scalar()
        if number is None:
            return "none"
        session.execute(text("delete from orders where id = :id"), {"id": number})
        session.commit()
    except Exception:
        session.rollback()
        raise
    return number

def run():
    with SessionLocal() as given:
        first = remove("nine", given)
        still = given.execute(text("select count(*) from orders")).scalar()
    return first, still, remove("two"), remove("four")
""",
    ),
    Case(
        "POL201",
        "a chain",
        """
def run():
    total = SessionLocal().execute(text("select count(*) from orders")).scalar()
    return total, Session(engine).query(func.max(Order.id)).one()[0]
""",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.what}".replace(" ", "_"))
def test_a_safe_fix_keeps_the_behaviour_and_ends_the_harm(case: Case, tmp_path: Path) -> None:
    """Same answer and same rows; what was checked out comes back, what raised does not."""
    before, after = before_and_after(HEAD + case.program, tmp_path, select=(case.code,))
    assert_better(before, after, case)


def assert_better(before: Behaviour, after: Behaviour, case: Case) -> None:
    """The bad form did its harm, the mended one does not, and nothing else changed."""
    assert not after.raised
    assert after.out == 0
    if case.raises:
        assert before.raised
    else:
        assert not before.raised
        assert before.out >= case.leaves
        assert (after.returned, after.rows) == (before.returned, before.rows)


ASYNC_HEAD = """
from contextlib import asynccontextmanager

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite" + URL[6:])
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

"""
ASYNC_CASES = [
    Case(
        "POL201",
        "a value is returned",
        """
async def run():
    session = SessionLocal()
    result = await session.execute(text("select name from orders where id = 2"))
    return result.scalar()
""",
    ),
    Case(
        "POL201",
        "a session for each turn of a loop",
        """
async def run():
    names = []
    for number in (1, 2, 3, 4):
        session = AsyncSession(engine)
        row = (await session.execute(text("select name from orders where id = :id"), {"id": number})).first()
        if row is None:
            break
        names.append(row[0])
    return names
""",
    ),
    Case(
        "POL201",
        "a session that the caller may give",
        """
async def names(session=None):
    if session is None:
        session = SessionLocal()
    return (await session.execute(text("select name from orders order by id"))).scalars().all()

async def run():
    async with SessionLocal() as given:
        await given.execute(text("insert into orders (name) values ('four')"))
        seen = await names(given)
    return seen, await names()
""",
    ),
    Case(
        "POL202",
        "an exception skips the close",
        """
async def save(name):
    session = SessionLocal()
    await session.execute(text("insert into orders (name) values (:name)"), {"name": name})
    await session.commit()
    await session.close()

async def run():
    await save("four")
    try:
        await save("four")
    except IntegrityError:
        return "taken"
""",
    ),
    Case(
        "POL203",
        "a commit and no close",
        """
async def save(name):
    session = SessionLocal()
    try:
        await session.execute(text("insert into orders (name) values (:name)"), {"name": name})
        await session.commit()
    except Exception:
        await session.rollback()
        raise

async def run():
    await save("four")
    try:
        await save("four")
    except IntegrityError:
        return "taken"
""",
        leaves=0,
    ),
    Case(
        "POL205",
        "the code in the with block raises",
        """
@asynccontextmanager
async def scope():
    session = SessionLocal()
    yield session
    await session.commit()
    await session.close()

async def run():
    async with scope() as session:
        session.add(Order(name="four"))
    try:
        async with scope() as session:
            await session.execute(text("insert into orders (name) values ('five')"))
            raise ValueError("no")
    except ValueError as error:
        return str(error)
""",
    ),
    Case(
        "POL216",
        "a close that nobody awaits",
        """
async def run():
    session = SessionLocal()
    try:
        return (await session.execute(text("select name from orders where id = 2"))).scalar()
    finally:
        session.close()
""",
    ),
    Case(
        "POL601",
        "rows are returned",
        """
async def run():
    connection = await engine.connect()
    result = await connection.execute(text("select id, name from orders order by id"))
    return [tuple(row) for row in result]
""",
    ),
    Case(
        "POL602",
        "an exception skips the close",
        """
async def count(table):
    connection = await engine.connect()
    await connection.execute(text("select 1"))
    total = (await connection.execute(text(f"select count(*) from {table}"))).scalar()
    await connection.close()
    return total

async def run():
    try:
        await count("nothing")
    except Exception as error:
        return [await count("orders"), type(error).__name__]
""",
    ),
]


@pytest.mark.parametrize("case", ASYNC_CASES, ids=lambda case: f"{case.code}-{case.what}".replace(" ", "_"))
def test_a_safe_fix_of_async_code_keeps_the_behaviour_and_ends_the_harm(case: Case, tmp_path: Path) -> None:
    """The same for asyncio, on aiosqlite."""
    pytest.importorskip("aiosqlite")
    before, after = before_and_after(ASYNC_HEAD + case.program, tmp_path, select=(case.code,))
    assert_better(before, after, case)


REQUESTS = Case(
    "POL204",
    "a dependency of FastAPI",
    """
import asyncio

from fastapi import Depends, FastAPI

app = FastAPI()

async def get_db():
    return SessionLocal()

@app.get("/names/{number}")
async def name(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    return {"name": order.name}

async def status(path):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], "server": ("test", 80),
    }
    try:
        await app(scope, receive, send)
    except AttributeError as error:
        return type(error).__name__
    return b"".join(message.get("body", b"") for message in sent)

def run():
    return [asyncio.run(status(f"/names/{number}")) for number in (1, 2, 9)]
""",
)


def test_a_dependency_closes_what_it_yields(tmp_path: Path) -> None:
    """Requests are answered as before, also those that fail."""
    pytest.importorskip("fastapi")
    before, after = before_and_after(HEAD + REQUESTS.program, tmp_path, select=(REQUESTS.code,))
    assert_better(before, after, REQUESTS)
