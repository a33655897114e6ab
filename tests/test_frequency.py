"""How often code runs: small call graphs, and that the answer depends on nothing but the graph."""

from __future__ import annotations

import random
import textwrap
from collections import deque

import harness
import programs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poollint.program.sites import Frequency, Times

WEB = """
from flask import Flask
from db import get
app = Flask(__name__)

@app.get("/")
def index():
    return get()
"""
MAKE = "from sqlalchemy import create_engine\ndef get():\n    return create_engine('x://').connect()\n"


def frequency_of(text: str, name: str = "f") -> Frequency:
    """How often the function `f` of a program in one file runs."""
    return programs.load(text).frequency(name)


# -------------------------------------------------------------------------------------------------- sources
def test_a_function_that_nobody_calls_is_unknown() -> None:
    assert not frequency_of("def f(): ...").known


def test_a_function_that_the_module_calls_runs_once() -> None:
    found = frequency_of("def f(): ...\nf()\n")
    assert (found.known, found.times) == (True, Times.ONCE)


def test_a_function_that_tests_call_is_unknown() -> None:
    files = {"main.py": "def f(): ...\n", "tests/test_main.py": "from main import f\nfor row in rows:\n    f()\n"}
    assert not programs.load(files).frequency("f").known


def test_a_route_runs_many_times() -> None:
    found = programs.load({"main.py": WEB, "db.py": "def get(): ...\n"}).frequency("get", "db.py")
    assert (found.known, found.times, found.unit) == (True, Times.MANY, "request")
    assert "request" in found.contexts
    assert found.concurrent
    assert [(step.span.path, step.span.line) for step in found.chain] == [("main.py", 5), ("main.py", 7)]


def test_the_most_frequent_caller_decides() -> None:
    text = "def f(): ...\ndef g(rows):\n    for row in rows():\n        f()\nf()\ng(1)\n"
    assert frequency_of(text).times is Times.MANY


def test_further_entry_points_are_counted() -> None:
    web = WEB + '\n@app.get("/other")\ndef other():\n    return get()\n'
    assert programs.load({"main.py": web, "db.py": "def get(): ...\n"}).frequency("get", "db.py").more == 1


@pytest.mark.parametrize("loop", ["for row in rows():", "while rows():", "async for row in rows():"])
def test_a_loop_repeats(loop: str) -> None:
    found = frequency_of(f"def f(): ...\nasync def g():\n    {loop}\n        f()\n")
    assert (found.times, found.unit) == (Times.MANY, "iteration")


@pytest.mark.parametrize(
    "expression", ["[f() for row in rows()]", "{row: f() for row in rows()}", "any(f() for row in r())"]
)
def test_a_comprehension_repeats(expression: str) -> None:
    assert frequency_of(f"def f(): ...\ndef g():\n    return {expression}\n").times is Times.MANY


@pytest.mark.parametrize("loop", ["for row in (1, 2):", "for row in ['a']:", "for name, row in enumerate({'a': 1}):"])
def test_a_loop_over_what_the_source_spells_out_does_not(loop: str) -> None:
    assert frequency_of(f"def f(): ...\ndef g():\n    {loop}\n        f()\n").times is not Times.MANY


@pytest.mark.parametrize(("calls", "times"), [(1, Times.MANY), (2, Times.MANY), (3, Times.MANY), (4, None), (5, None)])
def test_a_loop_proves_only_what_is_near(calls: int, times: Times | None) -> None:
    names = [f"f{number}" for number in range(calls)]
    text = f"def main(rows):\n    for row in rows:\n        {names[0]}()\n"
    for name, callee in zip(names, [*names[1:], "print"], strict=True):
        text += f"def {name}():\n    {callee}()\n"
    found = frequency_of(text, names[-1])
    assert (found.times if found.known else None) is times


def test_recursion_alone_is_no_caller() -> None:
    assert not frequency_of("def f():\n    f()\n").known
    assert not frequency_of("def f():\n    g()\ndef g():\n    f()\n").known


# -------------------------------------------------------------------------------------------------- ceilings
@pytest.mark.parametrize(
    ("decorator", "parameters", "times"),
    [
        ("@functools.cache", "", Times.ONCE),
        ("@functools.lru_cache()", "", Times.ONCE),
        ("@functools.lru_cache(maxsize=1)", "key=1", Times.PER_KEY),
    ],
)
def test_a_memoiser_is_a_ceiling(decorator: str, parameters: str, times: Times) -> None:
    files = {"main.py": WEB, "db.py": f"import functools\n{decorator}\ndef get({parameters}): ...\n"}
    assert programs.load(files).frequency("get", "db.py").times is times


def test_a_guard_around_the_call_is_a_ceiling() -> None:
    db = "KEPT = None\ndef get():\n    global KEPT\n    if KEPT is None:\n        KEPT = make()\ndef make(): ...\n"
    assert programs.load({"main.py": WEB, "db.py": db}).frequency("make", "db.py").times is Times.ONCE


def test_a_call_of_the_base_that_runs_once_says_nothing_of_an_override() -> None:
    text = """
        class Base:
            def run(self):
                self.step()
            def step(self): ...
        class Derived(Base):
            def step(self): ...
        Base().run()
    """
    program = programs.load(text)
    assert program.frequency("Base.step").times is Times.ONCE
    assert not program.frequency("Derived.step").known


# -------------------------------------------------------------------------------------------------- order
ORDERED = {
    "db.py": MAKE,
    "web.py": WEB,
    "other.py": WEB.replace("index", "other"),
    "jobs.py": "from db import get\ndef each(rows):\n    for row in rows:\n        get()\n",
    "pkg/__init__.py": "from db import get\n",
    "pkg/more.py": "from pkg import get\nget()\n",
}


@settings(max_examples=12, deadline=None)
@given(st.permutations(sorted(ORDERED)))
def test_the_order_of_files_is_of_no_account(order: list[str]) -> None:
    shuffled = {path: ORDERED[path] for path in order}
    assert programs.sites(shuffled, order) == programs.sites(ORDERED, sorted(ORDERED))


FIXTURES = [case for case in harness.all_cases() if case.name.startswith(("experiments/", "flow/", "callables/"))]


@pytest.mark.parametrize("case", FIXTURES, ids=[case.name for case in FIXTURES])
def test_the_order_of_files_is_of_no_account_in_fixtures(case: harness.Case) -> None:
    texts = {file.relative_to(case.folder).as_posix(): file.read_text() for file in case.folder.rglob("*.py")}
    ordered = sorted(texts)
    expected = programs.sites(texts, ordered)
    generator = random.Random(case.name)
    for _ in range(3):
        generator.shuffle(ordered)
        assert programs.sites(dict.fromkeys(ordered, "") | texts, ordered) == expected


# -------------------------------------------------------------------------------------------------- any graph
FUNCTIONS = 5
ROUTE, START = "route", "start"
EDGES = st.sets(
    st.tuples(
        st.sampled_from([ROUTE, START, *(str(number) for number in range(FUNCTIONS))]),
        st.integers(0, FUNCTIONS - 1),
    ),
    max_size=9,
)


@settings(max_examples=60, deadline=None)
@given(EDGES)
def test_an_engine_runs_as_often_as_what_reaches_it(edges: set[tuple[str, int]]) -> None:
    """Each function is a file; function 0 makes the engine. Routes reach it, or start-up does, or nothing."""
    site = programs.sites(graph_program(edges))[0]
    expected = Times.MANY if reaches(edges, ROUTE) else Times.ONCE if reaches(edges, START) else None
    assert (site.frequency.times if site.frequency.known else None) == expected
    if expected is Times.MANY:
        assert len(site.frequency.chain) == distance(edges, ROUTE) + 1


def graph_program(edges: set[tuple[str, int]]) -> dict[str, str]:
    """The files of a call graph."""
    files = {f"f{number}.py": function_text(number, edges) for number in range(FUNCTIONS)}
    called = sorted(callee for caller, callee in edges if caller == START)
    files["start.py"] = "".join(f"from f{callee} import run{callee}\nrun{callee}()\n" for callee in called)
    routed = sorted(callee for caller, callee in edges if caller == ROUTE)
    files["web.py"] = "from flask import Flask\napp = Flask(__name__)\n" + "".join(
        f"@app.get('/{callee}')\ndef route{callee}():\n    from f{callee} import run{callee}\n    run{callee}()\n"
        for callee in routed
    )
    return files


def function_text(number: int, edges: set[tuple[str, int]]) -> str:
    """A function that calls others; the first one makes the engine, too."""
    body = ["create_engine('x://')"] if number == 0 else []
    for callee in sorted(callee for caller, callee in edges if caller == str(number)):
        body += [f"from f{callee} import run{callee}", f"run{callee}()"]
    head = "from sqlalchemy import create_engine\n" if number == 0 else ""
    return f"{head}def run{number}():\n{textwrap.indent(chr(10).join(body or ['pass']), '    ')}\n"


def distance(edges: set[tuple[str, int]], start: str) -> int:
    """Calls from an entry to function 0, or -1."""
    pending: deque[tuple[str, int]] = deque([(start, 0)])
    seen = {start}
    while pending:
        current, steps = pending.popleft()
        if current == "0":
            return steps
        for caller, callee in sorted(edges):
            if caller == current and str(callee) not in seen:
                seen.add(str(callee))
                pending.append((str(callee), steps + 1))
    return -1


def reaches(edges: set[tuple[str, int]], start: str) -> bool:
    """Some path of calls leads from the entry to function 0."""
    return distance(edges, start) >= 0
