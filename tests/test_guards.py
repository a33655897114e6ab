"""Once-guards, by example: what is tested, whether it is filled, and how often the code behind it then runs."""

from __future__ import annotations

import textwrap

import programs
import pytest

from poollint.program.sites import Times

HEAD = "import os, threading\nfrom sqlalchemy import create_engine\n"


def guard_of(text: str) -> tuple[str, str, str] | None:
    """(times, target, "dead" | "parameter" | "") of the guard in front of the only create_engine()."""
    guard = programs.load(HEAD + textwrap.dedent(text)).guard()
    if guard is None:
        return None
    times = "once per object" if guard.owner is not None else guard.times.name if guard.times is not None else ""
    return times, guard.target, "dead" if guard.dead else "parameter" if guard.parameter else ""


# -------------------------------------------------------------------------------------------------- globals
@pytest.mark.parametrize(
    "test", ["E is None", "not E", "E == None", "None is E or not E", "E is MISSING", "not E is not None"]
)
def test_a_global_that_is_tested_and_filled(test: str) -> None:
    text = f"E = None\ndef f():\n    global E\n    if {test}:\n        E = create_engine('x://')\n    return E\n"
    assert guard_of(text) == ("ONCE", "E", "")


def test_a_global_that_is_tested_for_the_opposite() -> None:
    text = "E = None\ndef f():\n    global E\n    if E is not None:\n        E = create_engine('x://')\n"
    assert guard_of(text) is None


def test_an_early_return() -> None:
    text = """
        E = None
        def f():
            global E
            if E is not None:
                return E
            E = create_engine("x://")
            return E
    """
    assert guard_of(text) == ("ONCE", "E", "")


def test_an_early_return_behind_the_call_is_too_late() -> None:
    text = """
        E = None
        def f():
            global E
            made = create_engine("x://")
            if E is not None:
                return E
            E = made
    """
    assert guard_of(text) is None


def test_the_else_of_the_opposite() -> None:
    text = """
        E = None
        def f():
            global E
            if E:
                pass
            else:
                E = create_engine("x://")
    """
    assert guard_of(text) == ("ONCE", "E", "")


def test_a_name_that_is_not_there_yet() -> None:
    text = """
        def f():
            global E
            try:
                return E
            except NameError:
                E = create_engine("x://")
            return E
    """
    assert guard_of(text) == ("ONCE", "E", "")


def test_a_derived_object_counts() -> None:
    text = """
        S = None
        def f():
            global S
            if S is None:
                engine = create_engine("x://")
                S = sessionmaker(engine)
    """
    assert guard_of(text) == ("ONCE", "S", "")


def test_a_function_that_fills_the_global() -> None:
    text = """
        E = None
        def init():
            global E
            E = make()
        def f():
            if E is None:
                init(create_engine("x://"))
    """
    assert guard_of(text) == ("ONCE", "E", "")


def test_a_local_of_the_same_name_is_dead() -> None:
    text = "E = None\ndef f():\n    if E is None:\n        _E = create_engine('x://')\n"
    assert guard_of(text) == ("", "E", "dead")


def test_something_else_that_is_tested_guards_nothing() -> None:
    text = "E = None\nON = True\ndef f():\n    global E\n    if not ON:\n        E = create_engine('x://')\n"
    assert guard_of(text) is None


# -------------------------------------------------------------------------------------------------- objects
CLASS = """
    class Store:
        def __init__(self):
            self.engine = None
        def f(self, other):
            {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "if self.engine is None: self.engine = create_engine('x://')",
        "if not self.engine: self.engine = create_engine('x://')",
        "if not hasattr(self, 'engine'): self.engine = create_engine('x://')",
        "if getattr(self, 'engine', None) is None: self.engine = create_engine('x://')",
    ],
)
def test_an_attribute_is_filled_once_per_object(body: str) -> None:
    assert guard_of(CLASS.format(body=body)) == ("once per object", "self.engine", "")


def test_a_local_instead_of_the_attribute_is_dead() -> None:
    body = "if self.engine is None: engine = create_engine('x://')"
    assert guard_of(CLASS.format(body=body)) == ("", "self.engine", "dead")


def test_an_attribute_of_the_class_is_filled_once() -> None:
    text = """
        class Store:
            engine = None
            @classmethod
            def f(cls):
                if cls.engine is None:
                    cls.engine = create_engine("x://")
    """
    assert guard_of(text) == ("ONCE", "cls.engine", "")


# -------------------------------------------------------------------------------------------------- containers
@pytest.mark.parametrize(
    "body",
    [
        "if key not in CACHE: CACHE[key] = create_engine(key)",
        "if CACHE.get(key) is None: CACHE[key] = create_engine(key)",
        "CACHE.setdefault(key, create_engine(key))",
    ],
)
def test_a_container_is_filled_once_per_key(body: str) -> None:
    assert guard_of(f"CACHE = {{}}\ndef f(key):\n    {body}\n") == ("PER_KEY", "CACHE", "")


def test_a_constant_key_is_one_key() -> None:
    assert guard_of("C = {}\ndef f():\n    if 'e' not in C: C['e'] = create_engine('x://')\n") == ("ONCE", "C", "")


def test_a_process_id_as_key() -> None:
    text = "C = {}\ndef f():\n    if os.getpid() not in C: C[os.getpid()] = create_engine('x://')\n"
    assert guard_of(text) == ("PER_PROCESS", "C", "")


def test_a_missing_key() -> None:
    text = """
        C = {}
        def f(key):
            try:
                return C[key]
            except KeyError:
                C[key] = create_engine(key)
    """
    assert guard_of(text) == ("PER_KEY", "C", "")


def test_a_local_read_from_the_container() -> None:
    text = """
        C = {}
        def f(key):
            engine = C.get(key)
            if engine is None:
                engine = C[key] = create_engine(key)
            return engine
    """
    assert guard_of(text) == ("PER_KEY", "C", "")


def test_a_container_of_the_call_itself_guards_nothing() -> None:
    assert guard_of("def f(key):\n    C = {}\n    if key not in C: C[key] = create_engine(key)\n") is None


def test_a_thread_local() -> None:
    text = "L = threading.local()\ndef f():\n    if not hasattr(L, 'e'): L.e = create_engine('x://')\n"
    assert guard_of(text) == ("PER_THREAD", "L.e", "")


# -------------------------------------------------------------------------------------------------- parameters
@pytest.mark.parametrize("test", ["engine is None", "not engine"])
def test_a_parameter_that_is_left_out(test: str) -> None:
    text = f"def f(engine=None):\n    if {test}:\n        engine = create_engine('x://')\n"
    assert guard_of(text) == ("", "engine", "parameter")


def test_a_local_that_was_the_parameter() -> None:
    text = "def f(engine=None):\n    e = engine\n    if e is None:\n        e = create_engine('x://')\n"
    assert guard_of(text) == ("", "engine", "parameter")


def test_a_local_that_was_something_else() -> None:
    text = "def f(engine=None):\n    e = find()\n    if e is None:\n        e = create_engine('x://')\n"
    assert guard_of(text) is None


def test_a_flag_that_is_off_by_default() -> None:
    text = "def f(fresh=False):\n    if fresh:\n        return create_engine('x://')\n"
    assert guard_of(text) == ("", "+fresh", "parameter")


def test_a_flag_that_is_on_by_default_guards_nothing() -> None:
    assert guard_of("def f(fresh=True):\n    if fresh:\n        return create_engine('x://')\n") is None


# -------------------------------------------------------------------------------------------------- found first
FOUND_FIRST = """
    def f(key):
        known = {look_up}
        if known is not None:
            return known
        return create_engine(key)
"""


@pytest.mark.parametrize("look_up", ["REGISTRY.get_db(key)", "REGISTRY.lookup(name=key)"])
def test_what_is_found_elsewhere_is_returned_first(look_up: str) -> None:
    assert guard_of(FOUND_FIRST.format(look_up=look_up)) == ("PER_KEY", "known", "")


@pytest.mark.parametrize("look_up", ["read_url(key)", "REGISTRY.get_db()", "key"])
def test_what_is_not_looked_up_guards_nothing(look_up: str) -> None:
    assert guard_of(FOUND_FIRST.format(look_up=look_up)) is None


def test_the_scale_of_times_is_that_of_the_guards() -> None:
    assert Times.ONCE < Times.PER_PROCESS < Times.PER_KEY < Times.PER_THREAD < Times.MANY
