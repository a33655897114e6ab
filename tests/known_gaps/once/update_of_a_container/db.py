import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
C = {}
def get(name):
    if name not in C:
        C.update({name: create_engine(name)})
    return C[name]
