import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
def get(name, _c={}):
    if name not in _c:
        _c[name] = create_engine(name)
    return _c[name]
