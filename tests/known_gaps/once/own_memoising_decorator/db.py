import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
C = {}
def memo(f):
    def w(name):
        if name not in C:
            C[name] = f(name)
        return C[name]
    return w
@memo
def get(name):
    return create_engine(name)
