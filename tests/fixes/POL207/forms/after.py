from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


def behind(session: Session, row):
    try:
        session.add(row)
        session.commit()
    except SQLAlchemyError:
        session.rollback()
        # It is there already.
        print("failed")
    session.execute(text("select 1"))


def next_pass(session: Session, rows):
    for row in rows:
        try:
            session.add(row)
            session.commit()
        except (
            IntegrityError,
            SQLAlchemyError,
        ) as error:  # twice
            session.rollback()
            print(error)


def nothing_but_the_session(session: Session, rows):
    for row in rows:
        try:
            session.add(row)
            session.commit()
        except Exception:
            session.rollback()


def other_errors_too(session: Session, rows):
    for row in rows:
        try:
            session.add(convert(row))
            session.commit()
        except Exception:
            session.rollback()


def flushed(session: Session, rows):
    for row in rows:
        try:
            session.add(row)
            session.flush()
        except IntegrityError:
            session.rollback()
            print("skipped")
    session.commit()


async def asynchronous(session: AsyncSession, row):
    try:
        session.add(row)
        await session.commit()
    except IntegrityError:
        await session.rollback()
        print("failed")
    await session.execute(text("select 1"))


class Repository:
    def __init__(self):
        self.session = SessionLocal()

    def save(self, rows):
        for row in rows:
            try:
                self.session.add(row)
                self.session.commit()
            except SQLAlchemyError as error: print(error)  # held: the handler is written in one line


def convert(row):
    return row
