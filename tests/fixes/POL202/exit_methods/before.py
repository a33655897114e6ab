from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql+psycopg2://app@db/app"))


class UnitOfWork:
    """One transaction."""

    def __enter__(self):
        self.session = SessionLocal()
        return self.session

    def __exit__(self, kind, value, traceback):
        """Save or forget."""
        failed = kind is not None
        if failed:
            self.session.rollback()
        else:
            self.session.commit()

        # It goes back.
        self.session.close()  # always
        return False
