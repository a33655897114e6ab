import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
C = {}
def get(name):
    d = C.setdefault(os.getpid(), {})
    if name not in d:
        d[name] = create_engine(name)
    return d[name]
