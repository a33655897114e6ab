import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
R = threading.Event()
E = None
def get(name):
    global E
    if not R.is_set():
        E = create_engine('x://')
        R.set()
    return E
