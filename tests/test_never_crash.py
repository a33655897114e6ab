"""No input makes poollint raise, and the same input gives the same answer."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import harness
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poollint.facts.extract import extract
from poollint.facts.model import ModuleFacts, SyntaxProblem

STANDARD_TESTS = Path(sysconfig.get_path("stdlib")) / "test"
PROBE = b"\n\ndef _probe_for_poollint():\n    import sqlalchemy\n    return sqlalchemy.create_engine('sqlite:///p').connect()\n"
ENGINE = "from sqlalchemy import create_engine\n"
SESSIONS = f"{ENGINE}from sqlalchemy.orm import sessionmaker\nS = sessionmaker(create_engine('u'))\n"
LOOP = "def f(rows):\n    for r in rows: create_engine('u')\n"
SOME_FILES = 80


def standard_files() -> list[Path]:
    """The tests that the running Python brings along: all the syntax there is, and broken files."""
    return sorted(STANDARD_TESTS.rglob("*.py")) if STANDARD_TESTS.is_dir() else []


@pytest.mark.skipif(not STANDARD_TESTS.is_dir(), reason="this Python came without its own tests")
def test_extraction_over_the_standard_tests() -> None:
    files = standard_files()
    step = max(1, len(files) // 400)
    for file in files[::step]:
        assert isinstance(extract(file.read_bytes(), str(file)), ModuleFacts | SyntaxProblem), file


@pytest.mark.skipif(not STANDARD_TESTS.is_dir(), reason="this Python came without its own tests")
def test_check_over_the_standard_tests() -> None:
    """A function with an engine is appended to each file, so that none is passed over as harmless."""
    files = standard_files()
    with harness.neutral_folder() as folder:
        step = max(1, len(files) // SOME_FILES)
        for number, file in enumerate(files[::step]):
            (folder / f"module_{number}_{file.name.replace('test', 'check')}").write_bytes(file.read_bytes() + PROBE)
        findings = harness.run([folder], ("ALL",))
        assert "POL900" not in {finding.code for finding in findings}
        assert findings == harness.run([folder], ("ALL",))


DEEP = 3000
HOSTILE = {
    "empty": b"",
    "one_newline": b"\n",
    "nul": b"from sqlalchemy import create_engine\nx = '\x00'\ncreate_engine(x)\n",
    "deep_parentheses": f"{ENGINE}x = {'(' * DEEP}create_engine('u'){')' * DEEP}\n".encode(),
    "deep_calls": f"{ENGINE}x = {'f(' * 150}create_engine('u'){')' * 150}\n".encode(),
    "deep_attributes": f"{ENGINE}x = create_engine('u'){'.a' * DEEP}\n".encode(),
    "deep_operators": f"{ENGINE}x = create_engine('u'){' + 1' * DEEP}\n".encode(),
    "deep_not": f"{ENGINE}x = {'not ' * DEEP}create_engine('u')\n".encode(),
    "deep_blocks": (
        ENGINE + "".join(f"{' ' * depth}if x:\n" for depth in range(90)) + " " * 90 + "create_engine('u')\n"
    ).encode(),
    "deep_functions": (
        ENGINE + "".join(f"{' ' * depth}def f():\n" for depth in range(18)) + " " * 18 + "create_engine('u')\n"
    ).encode(),
    "long_elif": (ENGINE + "if x: pass\n" + "elif y: create_engine('u')\n" * 500).encode(),
    "many_filters": (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n"
        "S = sessionmaker(create_engine('u'))\ndef f(p):\n    s = S()\n    q = s.query(p)\n"
        + "".join(f"    if p.a{n}:\n        q = q.filter(p.a{n})\n" for n in range(200))
        + "    return q\n"
    ).encode(),
    "huge_list": f"{ENGINE}x = [{'1, ' * 200_000}]\ncreate_engine(x)\n".encode(),
    "huge_string": f"{ENGINE}x = '{'a' * 2_000_000}'\ncreate_engine(x)\n".encode(),
    "many_functions": (
        ENGINE + "".join(f"def f{n}(): return f{n + 1}()\n" for n in range(3000)) + "def f3000(): create_engine('u')\n"
    ).encode(),
    "long_chain": (
        SESSIONS
        + "".join(f"def f{n}(x):\n    with S() as s:\n        s.flush()\n    return f{n + 1}(x)\n" for n in range(400))
    ).encode(),
    "long_chain_of_factories": (
        SESSIONS
        + "".join(f"def f{n}(x):\n    s = f{n + 1}(x)\n    return s\n" for n in range(400))
        + "def f400(x): return S()\ndef f(): f0(1).execute('select 1')\n"
    ).encode(),
    "branching_chain": (
        SESSIONS
        + "".join(f"def f{n}(x):\n    if x: return f{n + 1}(x)\n    return f{n + 1}(1)\n" for n in range(60))
        + "def f60(x): return S()\ndef f(): f0(1).execute('select 1')\n"
    ).encode(),
    "leaks_in_one_function": (
        SESSIONS
        + "def app():\n"
        + "".join(f"    def f{n}():\n        s = S()\n        s.execute('select 1')\n" for n in range(60))
    ).encode(),
    "latin_1": "# -*- coding: latin-1 -*-\nfrom sqlalchemy import create_engine\nx = create_engine('grüße')\n".encode(
        "latin-1"
    ),
    "wrong_encoding": "from sqlalchemy import create_engine\nx = create_engine('grüße')\n".encode("latin-1"),
    "unknown_encoding": b"# coding: klingon\nfrom sqlalchemy import create_engine\n",
    "utf_16": "from sqlalchemy import create_engine\n".encode("utf-16"),
    "byte_order_mark": b"\xef\xbb\xbf" + f"{ENGINE}def f(rows):\n    for r in rows: create_engine('u')\n".encode(),
    "crlf": f"{ENGINE}def f(rows):\n    for r in rows:\n        create_engine('u')\n".replace("\n", "\r\n").encode(),
    "cr": f"{ENGINE}def f(rows):\n    for r in rows:\n        create_engine('u')\n".replace("\n", "\r").encode(),
    "form_feed": f"{ENGINE}\f\ndef f(rows):\n\tfor r in rows:\n\t\tcreate_engine('u')\n".encode(),
    "mixed_tabs": f"{ENGINE}if 1:\n\tx = 1\n        y = create_engine('u')\n".encode(),
    "no_last_newline": f"{ENGINE}def f(rows):\n    for r in rows: create_engine('u')".encode(),
    "surrogate": f"{ENGINE}x = create_engine('\\ud800')\n".encode(),
    "raw_surrogate": b"from sqlalchemy import create_engine\nx = create_engine('\xed\xa0\x80')\n",
    "continuation": f"{ENGINE}x = \\\n  create_engine( \\\n 'u')\n".encode(),
    "unfinished": b"from sqlalchemy import create_engine\ndef f(:\n  create_engine(",
    "random_bytes": bytes(range(256)) * 64,
    "line_separators": f"{ENGINE}x = '\u2028\u2029\x85'\n{LOOP}".encode(),
    "bad_byte_in_a_comment": b"# caf\xe9\n" + f"{ENGINE}def f(rows):\n    for r in rows: create_engine('u')\n".encode(),
    "recursion_in_names": (
        f"{ENGINE}a = b\nb = a\nf = g = lambda: f(g)\nclass A(A): pass\nclass B(C): pass\nclass C(B): pass\n"
        "create_engine(a)\nA().x(b)\n"
    ).encode(),
    "star_of_itself": (
        f"from hostile import *\nfrom . import *\nfrom .... import *\n{ENGINE}def f(): create_engine('u')\n"
    ).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input(name: str) -> None:
    data = HOSTILE[name]
    assert isinstance(extract(data), ModuleFacts | SyntaxProblem)
    with harness.neutral_folder() as folder:
        (folder / "hostile.py").write_bytes(data)
        (folder / "caller.py").write_text("import hostile\nfor row in range(9):\n    hostile.f()\n")
        findings = harness.run([folder], ("ALL",))
        assert "POL900" not in {finding.code for finding in findings}
        assert findings == harness.run([folder], ("ALL",))


@pytest.mark.parametrize("name", ["byte_order_mark", "crlf", "form_feed", "no_last_newline", "line_separators"])
def test_unusual_text_is_still_judged(name: str) -> None:
    with harness.neutral_folder() as folder:
        (folder / "hostile.py").write_bytes(HOSTILE[name])
        assert [finding.code for finding in harness.run([folder])] == ["POL103"]


def test_a_finding_behind_a_byte_that_is_no_text_is_shown() -> None:
    data = HOSTILE["bad_byte_in_a_comment"]
    expected = ["POL103"] if isinstance(extract(data), ModuleFacts) else ["POL901"]  # CPython 3.12 refuses the file.
    with harness.neutral_folder() as folder:
        (folder / "hostile.py").write_bytes(data)
        assert [finding.code for finding in harness.run([folder])] == expected


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
def test_a_file_whose_name_is_no_text() -> None:
    with harness.neutral_folder() as folder:
        for name in (b"bad\xff.py", b"good.py"):
            (folder / os.fsdecode(name)).write_bytes(HOSTILE["no_last_newline"])
        assert [finding.code for finding in harness.run([folder])] == ["POL103", "POL103"]


NAMES = st.sampled_from(["engine", "session", "self._engine", "_engine", "cls.engine", "pool[key]", "make()", "url"])
VALUES = st.sampled_from(
    [
        "create_engine(URL)",
        "create_engine(URL, poolclass=NullPool)",
        "sa.create_engine(url, **options)",
        "sessionmaker(create_engine(URL))()",
        "functools.partial(create_engine, URL)",
        "lambda: create_engine(URL)",
        "[create_engine(u) for u in urls]",
        "make()",
        "other.make(engine)",
        "None",
        "executor.submit(make, url)",
        "threading.Thread(target=make)",
        "(yield)",
        "(x := create_engine(URL))",
    ]
)
SIMPLE = st.one_of(
    st.builds("{} = {}".format, NAMES.filter(lambda name: name != "make()"), VALUES),
    VALUES,
    st.sampled_from(
        [
            "return engine",
            "return create_engine(URL)",
            "session = SessionLocal()",
            "session.execute(sa.text('SELECT 1'))",
            "session.add(url)",
            "session.commit()",
            "session.close()",
            "yield session",
            "make(session)",
            "engine.dispose()",
            "pass",
            "global _engine",
            "del engine",
            "raise",
        ]
    ),
    st.builds("return {}".format, VALUES),
)
HEADERS = st.sampled_from(
    [
        "for key in urls:",
        "while True:",
        "if _engine is None:",
        "if not self._engine:",
        "if key not in pool:",
        "with engine.connect() as c:",
        "with SessionLocal() as session:",
        "with session.begin():",
        "if session is None:",
        "try:|finally:",
        "try:|except KeyError:",
        "def make(url=URL, key=None):",
        "@lru_cache|def make(self, key):",
        "@app.get('/')|def view(engine=Depends(make)):",
        "class Store(Base):",
        "@property|def engine(self):",
        "def __init__(self, url):",
        "async def run():",
        "match key:|case 1:",
    ]
)


def block(header: str, body: list[str]) -> list[str]:
    """One compound statement."""
    first, _, second = header.partition("|")
    indented = [f"    {line}" for line in body]
    if first.startswith("@"):
        return [first, second, *indented]
    if first.startswith("match"):
        return [first, f"    {second}", *(f"    {line}" for line in indented)]
    if second:
        return [first, *indented, second, *indented]
    return [first, *indented]


STATEMENTS = st.recursive(
    SIMPLE.map(lambda line: [line]),
    lambda children: st.builds(
        lambda header, bodies: block(header, [line for body in bodies for line in body]),
        HEADERS,
        st.lists(children, min_size=1, max_size=3),
    ),
    max_leaves=12,
)
PROLOGUE = """\
import functools, threading
import sqlalchemy as sa
from functools import lru_cache
from concurrent.futures import ThreadPoolExecutor
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool
import other
app = FastAPI()
executor = ThreadPoolExecutor()
_engine = session = None
SessionLocal = sessionmaker(create_engine("postgresql://app@db/app"))
"""


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STATEMENTS, min_size=1, max_size=4), st.lists(STATEMENTS, min_size=1, max_size=2))
def test_small_programs(first: list[list[str]], second: list[list[str]]) -> None:
    with harness.neutral_folder() as folder:
        for name, parts in (("main", first), ("other", second)):
            lines = [line for part in parts for line in part]
            text = PROLOGUE + "\n".join(lines) + "\n"
            (folder / f"{name}.py").write_text(text.replace("import other", "import main") if name == "other" else text)
        findings = harness.run([folder], ("ALL",))
        assert "POL900" not in {finding.code for finding in findings}
        assert findings == harness.run([folder / "other.py", folder / "main.py"], ("ALL",))
