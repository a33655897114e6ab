import contextlib, functools, os, threading, weakref, asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.orm import sessionmaker
C = []
def get(name):
    if len(C) == 0:
        C.append(create_engine('x://'))
    return C[0]
