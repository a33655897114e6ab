"""The callback: runs once for each message, in the thread that finished it."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import text

from config.database import get_db_session


def worker(*args: Any) -> None:
    session = get_db_session()
    session.begin()
    session.execute(text("SELECT id FROM messages LIMIT 1"))
    time.sleep(1)
    session.commit()
