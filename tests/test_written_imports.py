"""What a file imports, read from its bytes: the cases that parsing would tell for certain."""

from __future__ import annotations

import pytest

from poollint.program.project import Project
from poollint.program.written_imports import WrittenImports

FILES = {
    "app/__init__.py": b"from app.db import engine",
    "app/db.py": b"engine = None",
    "app/web.py": b"",
    "app/sub/__init__.py": b"",
    "app/sub/inner.py": b"",
}


def imports(text: str, path: str = "app/web.py") -> tuple[WrittenImports, str]:
    files = {**FILES, path: text.encode()}
    return WrittenImports(Project(tuple(files), files.__getitem__)), path


@pytest.mark.parametrize(
    "text",
    [
        "from app.db import engine",
        "from .db import engine",
        "from . import db",
        "from app import db, sub",
        "import app.db",
        "import app.db as engine",
        "import os, app.db",
        "from app.db import (\n    other,  # of (all)\n    engine,\n)",
        "from app.db import other, \\\n    engine",
        "from app.db \\\n    import engine",
        "if True: from app.db import engine",
        "def later():\n    from app.db import engine",
        "x = 1; import app.db",
        "from app.db import(engine)",
    ],
)
def test_every_way_to_import_a_module(text: str) -> None:
    written, path = imports(text)
    assert "app/db.py" in written.of(path).files


def test_a_package_leads_to_what_its_init_imports() -> None:
    written, path = imports("import app")
    assert written.leads_to(path, frozenset({"app/db.py"}))
    assert not written.leads_to(path, frozenset({"app/sub/inner.py"}))


@pytest.mark.parametrize(
    "text", ["import sqlalchemy", "from sqlalchemy.orm import engine", "from ..nowhere import engine"]
)
def test_what_is_not_of_the_program(text: str) -> None:
    written, path = imports(text)
    assert not written.of(path).files
    assert not written.may_name(path, "engine")


@pytest.mark.parametrize(
    "text",
    [
        "from app.db import engine",
        "from app.db import engine as other",
        "import app\napp.db.engine",
        "from app.db import *\nengine",
        "run('app.db:engine')",
        "getattr(app.db, 'engine')",
    ],
)
def test_what_may_name_something(text: str) -> None:
    written, path = imports(text)
    assert written.may_name(path, "engine")


@pytest.mark.parametrize("text", ["engine = make()", "# the engine", "from elsewhere import engine", "import x.engine"])
def test_what_cannot_name_it(text: str) -> None:
    written, path = imports(text)
    assert not written.may_name(path, "engine")
