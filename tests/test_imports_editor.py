"""The editor of imports: where a name goes, and which name is written."""

from __future__ import annotations

import ast
import textwrap
from typing import NamedTuple

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.editing.tree import FileTree
from poollint.source import SourceFile

POOL = ("sqlalchemy.pool", "sqlalchemy")


class Edited(NamedTuple):
    """A file after `NullPool` was made available at its name HERE, and what to write there."""

    name: str
    text: str


def edited(text: str, modules: tuple[str, ...] = POOL, name: str = "NullPool") -> Edited | None:
    """The file, dedented, with the import that `HERE` needs. `HERE` is the place of use."""
    source = SourceFile("/x.py", textwrap.dedent(text).encode())
    tree = FileTree.of(source)
    assert tree is not None
    found = [node for node in tree.parents if isinstance(node, cst.Name) and node.value == "HERE"]
    imported = tree.imports.name_for(modules, name, found[-1])
    if imported is None:
        return None
    lines = list(source.lines)
    for edit in imported.edits:
        place = edit.location
        assert (place.line, place.column) == (place.end_line, place.end_column)
        line = lines[place.line - 1]
        lines[place.line - 1] = line[: place.column - 1] + edit.text + line[place.column - 1 :]
    made = "".join(lines)
    ast.parse(made)
    return Edited(imported.name, made)


USE = "\n\n\ndef f():\n    HERE\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from sqlalchemy.pool import QueuePool", "from sqlalchemy.pool import NullPool, QueuePool"),
        ("from sqlalchemy.pool import AssertionPool", "from sqlalchemy.pool import AssertionPool, NullPool"),
        ("from sqlalchemy.pool import A as B  # why", "from sqlalchemy.pool import A as B, NullPool  # why"),
        ("from sqlalchemy.pool import (A, Z,)", "from sqlalchemy.pool import (A, NullPool, Z,)"),
        (
            "from sqlalchemy.pool import (\n    A,  # a\n    Z,\n)",
            "from sqlalchemy.pool import (\n    A,  # a\n    NullPool,\n    Z,\n)",
        ),
        (
            "from sqlalchemy.pool import (\n    A,\n    B,  # b\n)",
            "from sqlalchemy.pool import (\n    A,\n    B,  # b\n    NullPool,\n)",
        ),
        (
            "from sqlalchemy.pool import (\n    A,\n    B\n)",
            "from sqlalchemy.pool import (\n    A,\n    B,\n    NullPool\n)",
        ),
        ("from sqlalchemy import create_engine", "from sqlalchemy import NullPool, create_engine"),
        ("import sqlalchemy", "import sqlalchemy"),
        ("import os", "import os\n\nfrom sqlalchemy.pool import NullPool"),
        ("import os\n\nimport rq", "import os\n\nimport rq\nfrom sqlalchemy.pool import NullPool"),
        ("from zope import z", "from sqlalchemy.pool import NullPool\nfrom zope import z"),
        ("from . import models", "from sqlalchemy.pool import NullPool\n\nfrom . import models"),
        ('"""Doc."""', '"""Doc."""\n\nfrom sqlalchemy.pool import NullPool'),
        (
            "#!/usr/bin/env python\n# coding: utf-8\n\nx = 1",
            "#!/usr/bin/env python\n# coding: utf-8\n\nfrom sqlalchemy.pool import NullPool\n\nx = 1",
        ),
        (
            "from __future__ import annotations",
            "from __future__ import annotations\n\nfrom sqlalchemy.pool import NullPool",
        ),
        (
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from sqlalchemy.pool import Pool",
            "from typing import TYPE_CHECKING\n\nfrom sqlalchemy.pool import NullPool\n\nif TYPE_CHECKING:\n"
            "    from sqlalchemy.pool import Pool",
        ),
        ("__all__ = ['f']\nimport os", "__all__ = ['f']\nimport os\n\nfrom sqlalchemy.pool import NullPool"),
    ],
)
def test_where_an_import_goes(before: str, after: str) -> None:
    made = edited(before + USE)
    assert made is not None
    assert made.text == after + USE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from sqlalchemy.pool import NullPool as NP", "NP"),
        ("from sqlalchemy import NullPool", "NullPool"),
        ("import sqlalchemy as sa", "sa.NullPool"),
        ("import sqlalchemy.pool", "sqlalchemy.pool.NullPool"),
    ],
)
def test_what_is_imported_already_is_used(text: str, name: str) -> None:
    assert edited(text + USE) == (name, text + USE)


@pytest.mark.parametrize(
    "text",
    [
        "NullPool = None" + USE,
        "def NullPool(): ..." + USE,
        "from mine import NullPool" + USE,
        "try:\n    from sqlalchemy.pool import NullPool\nexcept ImportError:\n    NullPool = None" + USE,
        "def f(NullPool):\n    HERE\n",
        "def f():\n    NullPool = 1\n    def g():\n        HERE\n",
        "def g():\n    global NullPool\n    NullPool = 1\ndef f():\n    HERE\n",
        "x = [HERE for NullPool in y]\n",
        "from mine import *\nx = NullPool" + USE,
    ],
)
def test_nothing_is_hidden(text: str) -> None:
    assert edited(text) is None


def test_a_local_of_another_function_is_no_reason() -> None:
    made = edited("import sqlalchemy.pool as p\ndef g(NullPool):\n    return NullPool" + USE)
    assert made is not None
    assert made.name == "p.NullPool"


def test_a_rebound_import_is_not_used() -> None:
    assert edited("from sqlalchemy.pool import NullPool\nNullPool = 1" + USE) is None


def test_code_of_the_module_needs_the_import_above() -> None:
    made = edited("x = HERE\nfrom sqlalchemy.pool import Z\n")
    assert made is not None
    assert made.text == "from sqlalchemy.pool import NullPool\n\nx = HERE\nfrom sqlalchemy.pool import Z\n"


def test_line_endings_are_those_of_the_file() -> None:
    made = edited("import os\r\n\r\nHERE\r\n")
    assert made is not None
    assert made.text == "import os\r\n\r\nfrom sqlalchemy.pool import NullPool\r\n\r\nHERE\r\n"


LINES = (
    "import os",
    "from a import b",
    "import sqlalchemy.orm",
    "from sqlalchemy.pool import A, Z",
    "from . import c",
    "# a comment",
    "",
    "x = 1",
    "if x:\n    import y",
    "class C:\n    pass",
)


@given(st.lists(st.sampled_from(LINES), max_size=8), st.booleans(), st.booleans())
def test_any_file_can_use_the_name_afterwards(lines: list[str], docstring: bool, future: bool) -> None:
    head = ['"""Doc."""'] * docstring + ["from __future__ import annotations"] * future
    text = "\n".join([*head, *lines]) + USE
    made = edited(text)
    assert made is not None
    again = edited(made.text)
    assert again == made
    tree = ast.parse(made.text)
    first = [type(node).__name__ for node in tree.body[: len(head)]]
    assert first == ["Expr"] * docstring + ["ImportFrom"] * future
    for line in text.splitlines():
        if line != "from sqlalchemy.pool import A, Z":
            assert line in made.text.splitlines()
