"""Where an engine goes and whether it is disposed of, by example."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import programs
import pytest

from poollint.program.sites import Escape, Release

if TYPE_CHECKING:
    from poollint.program.flow import Flow

HEAD = """
import atexit
from contextlib import ExitStack, closing
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
KEPT = {}
"""


def flow_of(body: str, head: str = "def f(self, url):") -> Flow:
    """The flow of the only create_engine() in a function with this body."""
    return programs.load(f"{HEAD}{head}\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n").flow()


# -------------------------------------------------------------------------------------------------- escapes
@pytest.mark.parametrize(
    ("body", "escapes"),
    [
        ("create_engine(url)", set()),
        ("engine = create_engine(url)\nengine.connect()", set()),
        ("return create_engine(url)", {Escape.RETURNED}),
        ("engine = create_engine(url)\nother = engine\nreturn other", {Escape.RETURNED}),
        ("return create_engine(url).execution_options(a=1)", {Escape.RETURNED}),
        ("engine = create_engine(url)\nreturn [engine]", {Escape.RETURNED}),
        ("return create_engine(url) if url else None", {Escape.RETURNED}),
        ("yield create_engine(url)", {Escape.YIELDED}),
        ("return Session(create_engine(url))", {Escape.RETURNED_INSIDE}),
        ("return sessionmaker(bind=create_engine(url))()", {Escape.RETURNED_INSIDE}),
        ("engine = create_engine(url)\nreturn engine.connect()", {Escape.RETURNED_INSIDE}),
        ("global E\nE = create_engine(url)", {Escape.STORED_GLOBALLY}),
        ("KEPT[url] = create_engine(url)", {Escape.STORED_IN_CONTAINER, Escape.STORED_BY_KEY}),
        ("url.engine = create_engine(url)", {Escape.STORED_ELSEWHERE}),
        ("engine = create_engine(url)\nunknown(engine)", {Escape.PASSED_TO_OWNER}),
        ("engine = create_engine(url)\nprint(engine)", set()),
        ("engine = create_engine(url)\nreturn lambda: engine.connect()", {Escape.CAPTURED}),
    ],
)
def test_where_an_engine_goes(body: str, escapes: set[Escape]) -> None:
    assert flow_of(body).escapes == escapes


def test_a_container_of_the_call_goes_where_it_goes() -> None:
    kept = flow_of("found = {}\nfor each in url:\n    found[each] = create_engine(each)\nreturn found")
    dropped = flow_of("found = []\nfor each in url:\n    found.append(create_engine(each))")
    assert kept.escapes == {Escape.RETURNED}
    assert dropped.escapes == set()
    assert dropped.containers == {"found"}


def test_an_attribute_of_self() -> None:
    program = programs.load(f"{HEAD}class A:\n    def __init__(self):\n        self.engine = create_engine('x://')\n")
    assert program.flow().escapes == {Escape.STORED_ON_SELF}
    assert program.flow().attributes == {"engine"}


def test_an_attribute_of_the_class() -> None:
    text = f"{HEAD}class A:\n    @classmethod\n    def f(cls):\n        cls.engine = create_engine('x://')\n"
    assert programs.load(text).flow().escapes == {Escape.STORED_ON_CLASS}


def test_a_session_factory_of_the_module_that_is_configured() -> None:
    body = "engine = create_engine(url)\nFactory.configure(bind=engine)"
    assert flow_of(body, "Factory = sessionmaker()\ndef f(url):").escapes == {Escape.STORED_GLOBALLY}


def test_a_session_factory_of_the_call_that_is_configured() -> None:
    body = "factory = sessionmaker()\nfactory.configure(bind=create_engine(url))\nreturn factory()"
    assert flow_of(body).escapes == {Escape.RETURNED_INSIDE}


def test_a_scoped_session_is_noted() -> None:
    assert flow_of("return scoped_session(sessionmaker(create_engine(url)))").in_scoped_session
    assert not flow_of("return sessionmaker(create_engine(url))").in_scoped_session


def test_an_engine_without_a_name() -> None:
    assert flow_of("Session(create_engine(url))").inline_into == "Session"
    assert flow_of("engine = create_engine(url)\nSession(engine)").inline_into == ""


# -------------------------------------------------------------------------------------------------- callees
@pytest.mark.parametrize(
    ("callee", "escapes"),
    [
        ("def use(engine):\n    engine.connect()", set()),
        ("def use(engine):\n    KEPT['e'] = engine", {Escape.PASSED_TO_OWNER}),
        ("def use(engine):\n    return engine", {Escape.PASSED_TO_OWNER}),
        ("class use:\n    def __init__(self, engine): ...", {Escape.PASSED_TO_OWNER}),
    ],
)
def test_a_function_of_the_program_that_is_given_the_engine(callee: str, escapes: set[Escape]) -> None:
    assert flow_of("engine = create_engine(url)\nuse(engine)", f"{callee}\ndef f(url):").escapes == escapes


def test_a_function_that_passes_the_engine_to_itself_ends() -> None:
    flow = flow_of("engine = create_engine(url)\nuse(engine)", "def use(engine):\n    use(engine)\ndef f(url):")
    assert flow.release is Release.NEVER


# -------------------------------------------------------------------------------------------------- release
@pytest.mark.parametrize(
    ("body", "release"),
    [
        ("e = create_engine(url)\ne.connect()", Release.NEVER),
        ("e = create_engine(url)\ne.connect().execute(1)\ne.dispose()", Release.HAPPY_PATH),
        ("e = create_engine(url)\ne.connect()\ne.dispose()", Release.ALWAYS),
        ("e = create_engine(url)\nwith Session(e) as s:\n    s.execute(1)\ne.dispose()", Release.HAPPY_PATH),
        ("e = create_engine(url)\nF = sessionmaker(e)\nint(url)\ne.dispose()", Release.ALWAYS),
        ("e = create_engine(url)\nunknown(e)\ne.dispose()", Release.HAPPY_PATH),
        ("e = create_engine(url)\nunknown(e)\ntry: ...\nfinally:\n    e.dispose()", Release.HAPPY_PATH),
        ("e = create_engine(url)\ntry:\n    unknown(e)\nfinally:\n    if url: e.dispose()", Release.ALWAYS),
        ("e = None\ntry:\n    e = create_engine(url)\n    use(e)\nfinally:\n    if e: e.dispose()", Release.ALWAYS),
        ("e = create_engine(url)\nuse(e)\nif url:\n    return\ne.dispose()", Release.HAPPY_PATH),
        ("with closing(create_engine(url)) as e:\n    use(e)", Release.ALWAYS),
        ("e = create_engine(url)\ne.dispose()\ne.connect().execute(1)", Release.NEVER),
        ("e = create_engine(url)\ntry:\n    e.connect()\nfinally:\n    e.dispose()", Release.ALWAYS),
        ("e = create_engine(url)\ntry:\n    e.connect()\nexcept OSError:\n    e.dispose()", Release.NEVER),
        (
            "e = create_engine(url)\ntry:\n    e.connect()\nexcept Exception:\n    e.dispose()\n    raise\ne.dispose()",
            Release.ALWAYS,
        ),
        ("e = create_engine(url)\natexit.register(e.dispose)", Release.ALWAYS),
        ("with ExitStack() as s:\n    e = create_engine(url)\n    s.callback(e.dispose)", Release.ALWAYS),
        ("e = create_engine(url)\nself.addCleanup(e.dispose)", Release.ALWAYS),
        (
            "found = {}\ntry:\n    found[url] = create_engine(url)\nfinally:\n"
            "    for e in found.values():\n        e.dispose()",
            Release.ALWAYS,
        ),
        ("e = create_engine(url)\no = create_async_engine(url)\ntry: ...\nfinally:\n    o.dispose()", Release.NEVER),
    ],
)
def test_whether_an_engine_is_disposed_of(body: str, release: Release) -> None:
    assert flow_of(body).release is release


@pytest.mark.parametrize(
    ("body", "release"),
    [
        ("try:\n    self.e = create_engine(url)\n    use(self.e)\nfinally:\n    self.e.dispose()", Release.ALWAYS),
        ("self.e = create_engine(url)\nuse(self.e)\nself.e.dispose()", Release.HAPPY_PATH),
        ("self.e = create_engine(url)\nif url:\n    self.e.dispose()", Release.ALWAYS),
        ("self.e = create_engine(url)\nuse(self.e)", Release.NEVER),
    ],
)
def test_an_attribute_is_followed_in_the_method_that_sets_it(body: str, release: Release) -> None:
    method = textwrap.indent(f"def f(self, url):\n{textwrap.indent(body, '    ')}\n", "    ")
    assert programs.load(f"{HEAD}class A:\n{method}").flow().release is release


def test_the_ways_out_that_skip_the_disposal() -> None:
    body = "e = create_engine(url)\nuse(e)\nif url:\n    return\ne.dispose()"
    assert [(leak.how, leak.line) for leak in flow_of(body).leaks] == [("raise", 8), ("return", 10)]


def test_a_callee_that_disposes() -> None:
    head = "def drop(engine):\n    try: ...\n    finally:\n        engine.dispose()\ndef f(url):"
    sure = flow_of("e = create_engine(url)\ntry:\n    use(e)\nfinally:\n    drop(e)", head)
    unsure = flow_of("e = create_engine(url)\nuse(e)\ndrop(e)", head)
    assert sure.release is Release.ALWAYS
    assert unsure.release is Release.HAPPY_PATH


def test_the_place_of_the_disposal_is_kept() -> None:
    flow = flow_of("e = create_engine(url)\ne.dispose()")
    assert flow.dispose_span is not None
    assert flow.dispose_span.path == "main.py"


# -------------------------------------------------------------------------------------------------- handed on
DB = "from sqlalchemy import create_engine\ndef make(url):\n    return create_engine(url)\n"


def escapes_of(user: str) -> tuple[frozenset[Escape], Release]:
    site = programs.sites({"db.py": DB, "main.py": f"from db import make\n{textwrap.dedent(user)}"})[0]
    return site.escapes, site.release


def test_what_all_known_callers_do_with_the_result() -> None:
    assert escapes_of("") == ({Escape.RETURNED}, Release.NEVER)
    assert escapes_of("def f():\n    make(1).connect()\n") == (set(), Release.NEVER)
    assert (
        escapes_of("def f():\n    e = make(1)\n    try: ...\n    finally:\n        e.dispose()\n")[1] is Release.ALWAYS
    )
    assert escapes_of("E = make(1)\n")[0] == {Escape.STORED_GLOBALLY}


def test_the_caller_that_does_least_decides() -> None:
    user = (
        "def f():\n    e = make(1)\n    try: ...\n    finally:\n        e.dispose()\ndef g():\n    make(2).connect()\n"
    )
    assert escapes_of(user) == (set(), Release.NEVER)


def test_a_result_that_is_returned_again() -> None:
    assert escapes_of("def f():\n    return make(1)\ndef g():\n    f().connect()\n") == (set(), Release.NEVER)
    assert escapes_of("def f():\n    return make(1)\n") == ({Escape.RETURNED}, Release.NEVER)
