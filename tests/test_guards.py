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


@pytest.mark.parametrize(
    "test", ["not C", "len(C) == 0", "len(C) < 1", "not len(C)", "C == []", "not len(C) > 0", "len(C) <= 0"]
)
def test_an_empty_list(test: str) -> None:
    assert guard_of(f"C = []\ndef f():\n    if {test}:\n        C.append(create_engine('x://'))\n") == ("ONCE", "C", "")


@pytest.mark.parametrize("test", ["C", "len(C) > 0", "len(C) != 0"])
def test_a_list_that_holds_something_guards_nothing(test: str) -> None:
    assert guard_of(f"C = []\ndef f():\n    if {test}:\n        C.append(create_engine('x://'))\n") is None


@pytest.mark.parametrize(
    "behind", ["C.clear()", "C.pop(key)", "del C[key]", "C.pop(key).dispose()", "return C.pop(key)"]
)
def test_a_container_that_is_emptied_again_guards_nothing(behind: str) -> None:
    text = f"C = {{}}\ndef f(key):\n    if key not in C:\n        C[key] = create_engine(key)\n    {behind}\n"
    assert guard_of(text) is None


@pytest.mark.parametrize(
    "behind", ["C.pop(other)", "if len(C) > 9: C.clear()", "for each in list(C): C.pop(key)", "del D[key]"]
)
def test_a_container_that_loses_something_else_still_guards(behind: str) -> None:
    text = f"C = D = {{}}\ndef f(key):\n    if key not in C:\n        C[key] = create_engine(key)\n    {behind}\n"
    assert guard_of(text) == ("PER_KEY", "C", "")


@pytest.mark.parametrize(
    "key", ["uuid.uuid4()", "(name, uuid.uuid4().hex)", "f'{name}-{time.time()}'", "str(object())"]
)
def test_a_key_that_is_new_each_time_guards_nothing(key: str) -> None:
    head = f"import time, uuid\nC = {{}}\ndef f(name):\n    key = {key}\n"
    text = f"{head}    if key not in C: C[key] = create_engine(name)\n"
    assert guard_of(text) is None


@pytest.mark.parametrize("key", ["threading.get_ident()", "(name, threading.get_ident())"])
def test_a_thread_as_key(key: str) -> None:
    text = f"C = {{}}\ndef f(name):\n    if {key} not in C: C[{key}] = create_engine(name)\n"
    assert guard_of(text) == ("PER_THREAD", "C", "")


@pytest.mark.parametrize(
    "body",
    [
        "if 'E' not in globals(): globals()['E'] = create_engine('x://')",
        "if globals().get('E') is None: globals()['E'] = create_engine('x://')",
        "globals().setdefault('E', create_engine('x://'))",
    ],
)
def test_the_namespace_of_the_module(body: str) -> None:
    assert guard_of(f"def f():\n    {body}\n") == ("ONCE", "globals()", "")


@pytest.mark.parametrize(
    "body",
    [
        "if not hasattr(o, name): setattr(o, name, create_engine('x://'))",
        "if name not in vars(o): vars(o)[name] = create_engine('x://')",
        "if name not in o.__dict__: setattr(o, name, create_engine('x://'))",
    ],
)
def test_an_attribute_with_a_computed_name(body: str) -> None:
    assert guard_of(f"def f(o, name):\n    {body}\n") == ("PER_KEY", "o.__dict__", "")


def test_an_event() -> None:
    text = "R = threading.Event()\ndef f():\n    if not R.is_set():\n        create_engine('x://')\n        R.set()\n"
    assert guard_of(text) == ("ONCE", "R", "")


@pytest.mark.parametrize("pattern", ["None", "None | False", "None if key"])
def test_match_none(pattern: str) -> None:
    text = f"""
        C = {{}}
        def f(key):
            match C.get(key):
                case {pattern}:
                    C[key] = create_engine(key)
    """
    assert guard_of(text) == ("PER_KEY", "C", "")


@pytest.mark.parametrize("pattern", ["True", "_", "0", "[]"])
def test_match_something_else_guards_nothing(pattern: str) -> None:
    text = f"C = {{}}\ndef f(k):\n    match C.get(k):\n        case {pattern}: C[k] = create_engine(k)\n"
    assert guard_of(text) is None


# -------------------------------------------------------------------------------------------------- requests
@pytest.mark.parametrize("owner", ["request.app.state", "request.app", "request.registry"])
def test_the_application_outlives_the_request(owner: str) -> None:
    text = f"def f(request):\n    if not hasattr({owner}, 'e'): {owner}.e = create_engine('x://')\n"
    assert guard_of(text) == ("ONCE", f"{owner}.e", "")


@pytest.mark.parametrize("owner", ["request.state", "request", "g"])
def test_the_request_does_not_outlive_itself(owner: str) -> None:
    text = (
        f"from flask import g\ndef f(request):\n    if not hasattr({owner}, 'e'): {owner}.e = create_engine('x://')\n"
    )
    assert guard_of(text) is None


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


@pytest.mark.parametrize(
    ("default", "test", "target"),
    [
        ("True", "plain", "-plain"),
        ("False", "not plain", "+plain"),
        ("None", "plain is None", "+plain"),
        ("True", "plain or other", "-plain"),
        ("False", "plain", "plain"),
    ],
)
def test_a_flag_that_leaves_in_front(default: str, test: str, target: str) -> None:
    text = f"def f(other, plain={default}):\n    if {test}:\n        return\n    return create_engine('x://')\n"
    assert guard_of(text) == ("", target, "parameter")


@pytest.mark.parametrize(("default", "test"), [("True", "not plain"), ("True", "plain and other"), ("3", "plain > 2")])
def test_a_flag_that_leaves_by_request_only_guards_nothing(default: str, test: str) -> None:
    text = f"def f(other, plain={default}):\n    if {test}:\n        return\n    return create_engine('x://')\n"
    assert guard_of(text) is None


@pytest.mark.parametrize("default", ["{}", "dict()", "collections.OrderedDict()"])
def test_a_container_as_default(default: str) -> None:
    text = f"import collections\ndef f(key, c={default}):\n    if key not in c: c[key] = create_engine(key)\n"
    assert guard_of(text) == ("PER_KEY", "+c", "parameter")


@pytest.mark.parametrize("default", ["None", "()", "make()"])
def test_another_default_is_no_container(default: str) -> None:
    text = f"def f(key, c={default}):\n    if key not in c: c[key] = create_engine(key)\n"
    assert guard_of(text) is None


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
