"""What a name stands for, by example."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import programs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE = "sqlalchemy.create_engine"


# -------------------------------------------------------------------------------------------------- imports
@pytest.mark.parametrize(
    "text",
    [
        "from sqlalchemy import create_engine as it",
        "from sqlalchemy.engine import create_engine as it",
        "import sqlalchemy\nit = sqlalchemy.create_engine",
        "import sqlalchemy as sa\nit = sa.create_engine",
        "import sqlalchemy.orm\nit = sqlalchemy.create_engine",
        "from sqlalchemy import *\nit = create_engine",
        "try:\n    from sqlalchemy import create_engine as it\nexcept ImportError:\n    it = None",
        "if True:\n    from sqlalchemy import create_engine as it",
    ],
)
def test_every_way_to_import_a_library_symbol(text: str) -> None:
    assert CREATE in programs.load(text).values("it")


def test_an_import_in_a_function_is_seen_there_only() -> None:
    program = programs.load("def make():\n    from sqlalchemy import create_engine as it\n    return it\n")
    assert program.values("it", scope="make") == [CREATE]
    assert program.values("it") == []


@pytest.mark.parametrize(
    "statement",
    [
        "from shop.db import get",
        "from .db import get",
        "from shop import get",
        "from . import get",
        "from .db import *",
    ],
)
def test_every_way_to_import_a_function_of_the_program(statement: str) -> None:
    files = {"shop/__init__.py": "from .db import get", "shop/db.py": "def get(): ...", "shop/web.py": statement}
    assert programs.load(files).values("get", "shop/web.py") == ["get"]


def test_a_module_is_a_value() -> None:
    files = {"shop/__init__.py": "", "shop/db.py": "def get(): ...", "main.py": "import shop.db as db\nit = db.get"}
    program = programs.load(files)
    assert program.values("db") == ["module shop/db.py"]
    assert program.values("it") == ["get"]


def test_folders_without_init_are_packages() -> None:
    files = {"shop/db.py": "def get(): ...", "main.py": "from shop.db import get\nimport shop\nit = shop.db.get"}
    program = programs.load(files)
    assert program.values("get") == ["get"]
    assert program.values("it") == ["get"]


def test_sources_below_src_are_importable() -> None:
    files = {"src/shop/__init__.py": "", "src/shop/db.py": "def get(): ...", "tool.py": "from shop.db import get"}
    assert programs.load(files).values("get", "tool.py") == ["get"]


def test_a_file_of_the_program_hides_no_library() -> None:
    files = {
        "app/__init__.py": "",
        "app/sqlalchemy.py": "def create_engine(): ...",
        "main.py": "from app import sqlalchemy",
    }
    assert programs.load(files).values("sqlalchemy") == ["module app/sqlalchemy.py"]
    files = {"app/__init__.py": "", "app/db.py": "import sqlalchemy as it", "app/sqlalchemy.py": ""}
    assert programs.load(files).values("it", "app/db.py") == ["sqlalchemy"]


def test_star_imports_honour_all() -> None:
    files = {
        "db.py": "__all__ = ['get']\ndef get(): ...\ndef other(): ...",
        "main.py": "from db import *\nit = get\nthat = other",
    }
    program = programs.load(files)
    assert program.values("it") == ["get"]
    assert program.values("that") == []


def test_imports_that_go_round_in_circles_end() -> None:
    files = {"a.py": "from b import it", "b.py": "from a import it", "c.py": "from c import it"}
    program = programs.load(files)
    assert program.values("it", "a.py") == []
    assert program.values("it", "c.py") == []


# -------------------------------------------------------------------------------------------------- values
def test_an_alias_of_an_alias() -> None:
    assert programs.load("def f(): ...\ng = f\nit = g\n").values("it") == ["f"]


def test_all_assignments_count() -> None:
    text = "def f(): ...\ndef g(): ...\nit = f\nif f:\n    it = g\n"
    assert programs.load(text).values("it") == ["f", "g"]


@pytest.mark.parametrize(
    "text",
    [
        "it, other = f, g",
        "[it, other] = [f, g]",
        "it = (f, g)[0]",
        "it = {'f': f}['f']",
        "for it in (f,): ...",
        "for name, it in {'f': f}.items(): ...",
        "it = f or g",
        "it = f if g else g",
        "it = [f for _ in ()][0]",
        "if (it := f): ...",
        "it = {'f': f}.get('f')",
    ],
)
def test_a_function_that_went_through(text: str) -> None:
    assert "f" in programs.load(f"def f(): ...\ndef g(): ...\n{text}\n").values("it")


def test_unpacking_keeps_the_parts_apart() -> None:
    program = programs.load("def f(): ...\ndef g(): ...\nit, other = f, g\n")
    assert program.values("it") == ["f"]
    assert program.values("other") == ["g"]


def test_partial() -> None:
    text = "import functools\ndef f(a): ...\nit = functools.partial(f, 1)\nagain = functools.partial(it)\n"
    program = programs.load(text)
    assert program.values("it") == ["partial f"]
    assert program.values("again") == ["partial partial f"]


def test_a_function_gives_what_it_returns() -> None:
    text = "def f(): ...\ndef pick(): return f\nit = pick()\n"
    assert programs.load(text).values("it") == ["f"]


def test_a_function_that_calls_itself_ends() -> None:
    assert programs.load("def f(n):\n    return f(n - 1)\nit = f(3)\n").values("it") == []


def test_globals_are_filled_by_functions() -> None:
    text = """
        class Store: ...
        store = None
        def start():
            global store
            store = Store()
    """
    assert programs.load(text).values("store") == ["a Store"]


def test_a_local_hides_the_global() -> None:
    text = "def f(): ...\nit = f\ndef g():\n    it = 1\n    return it\n"
    assert programs.load(text).values("it", scope="g") == []


def test_a_nested_function_sees_the_variables_around_it() -> None:
    text = "def f(): ...\ndef outer():\n    it = f\n    def inner():\n        return it\n    return inner\n"
    assert programs.load(text).values("it", scope="outer.<locals>.inner") == ["f"]


def test_methods_do_not_see_the_names_of_the_class_body() -> None:
    text = "class Store:\n    def open(self): ...\n    def use(self):\n        return open\n"
    assert programs.load(text).values("open", scope="Store.use") == ["builtins.open"]


# -------------------------------------------------------------------------------------------------- classes
CLASSES = """
    class Base:
        def open(self): ...
        def close(self): ...
    class Store(Base):
        def open(self):
            it = super().open
    store = Store()
    opened = store.open
    closed = store.close
    class Odd(Store, Unknown): ...
    odd = Odd().close
"""


def test_methods_are_inherited() -> None:
    program = programs.load(CLASSES)
    assert program.values("opened") == ["bound Store.open"]
    assert program.values("closed") == ["bound Base.close"]
    assert program.values("odd") == ["bound Base.close"]


def test_super_skips_the_class_itself() -> None:
    assert programs.load(CLASSES).values("it", scope="Store.open") == ["bound Base.open"]


def test_bases_in_a_circle_end() -> None:
    assert programs.load("class A(B): ...\nclass B(A): ...\nit = A().missing\n").values("it") == []


def test_attributes_that_init_assigns() -> None:
    text = """
        class Engine: ...
        class Store:
            def __init__(self):
                self.engine = Engine()
        it = Store().engine
    """
    assert programs.load(text).values("it") == ["a Engine"]


def test_static_and_class_methods() -> None:
    text = """
        class Store:
            @staticmethod
            def make(): ...
            @classmethod
            def open(cls):
                return cls()
        static = Store.make
        store = Store.open()
    """
    program = programs.load(text)
    assert program.values("store") == ["a Store"]
    assert program.values("static") == ["Store.make"]


def test_a_property_is_its_value() -> None:
    text = "class E: ...\nclass S:\n    @property\n    def engine(self):\n        return E()\nit = S().engine\n"
    assert programs.load(text).values("it") == ["a E"]


def test_what_a_context_manager_gives() -> None:
    text = """
        from contextlib import contextmanager
        class Store:
            def __enter__(self):
                return self
            def __exit__(self, *error): ...
        @contextmanager
        def opened():
            yield Store()
        with Store() as first, opened() as second: ...
    """
    program = programs.load(text)
    assert program.values("first") == ["a Store"]
    assert program.values("second") == ["a Store"]


# -------------------------------------------------------------------------------------------------- annotations
@pytest.mark.parametrize(
    "annotation",
    [
        "Store",
        '"Store"',
        "Optional[Store]",
        '"Optional[Store]"',
        "Store | None",
        '"Store | None"',
        "Union[None, Store]",
        "Annotated[Store, 1]",
        'Optional["Store"]',
    ],
)
def test_annotations_of_parameters(annotation: str) -> None:
    text = f"from typing import *\nclass Store: ...\ndef use(it: {annotation}):\n    return it\n"
    assert "a Store" in programs.load(text).values("it", scope="use")


def test_annotations_of_variables_and_results() -> None:
    text = """
        class Store: ...
        it: Store
        def make() -> Store:
            return unknown()
        made = make()
    """
    program = programs.load(text)
    assert program.values("it") == ["a Store"]
    assert program.values("made") == ["a Store"]


def test_an_annotation_that_is_no_expression_is_nothing() -> None:
    assert programs.load("def use(it: 'a b c'):\n    return it\n").values("it", scope="use") == []


# -------------------------------------------------------------------------------------------------- properties
NAMES = ("a", "b", "c", "d")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from((*NAMES, "f")), min_size=1),
    st.permutations(NAMES),
)
def test_answers_do_not_depend_on_what_was_asked_before(aliases: dict[str, str], order: list[str]) -> None:
    text = "def f(): ...\n" + "".join(f"{name} = {value}\n" for name, value in aliases.items())
    program = programs.load(text)
    answers = {name: program.values(name) for name in order}
    assert answers == {name: programs.load(text).values(name) for name in NAMES}
    for name in NAMES:
        reached = list(itertools.islice(chain_of(aliases, name), 6))
        assert answers[name] == (["f"] if "f" in reached else []), text


def chain_of(aliases: dict[str, str], name: str) -> Iterator[str]:
    """The names that an alias leads to, without end when they go round in a circle."""
    current: str | None = name
    while current is not None:
        yield current
        current = aliases.get(current)
