import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
def get(name, _c=[]):
    if not _c:
        _c.append(create_engine('x://'))
    return _c[0]
