"""Each row names a symbol that exists: proved on the real libraries, one test for each that is installed.

The libraries are imported in a process of their own (some of them patch the standard library). Run this file as a
script to see the raw findings.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from poollint.library.loader import load_library
from poollint.library.model import EntryPoint, Form, LibraryFile
from poollint.library.reading import read_library_file

LIBRARY_FOLDER = Path(inspect.getfile(load_library)).parent

TOO_HEAVY = {
    "agents": "the model clients of an AI framework; read in its source",
    "airflow": "hundreds of packages; its rows were checked against the unpacked wheels",
    "aws_lambda_powertools": "boto3",
    "azure": "a package per service",
    "chalice": "botocore",
    "dask": "with distributed: numpy, pandas, pyarrow",
    "dagster": "over a hundred packages, gRPC",
    "distributed": "numpy, pandas, pyarrow",
    "eventlet": "deprecated; a compiled greenlet hub",
    "faststream": "a client library per broker",
    "geopandas": "GDAL",
    "gevent": "compiled hub",
    "google.adk": "the Google Cloud clients",
    "gradio": "numpy, pandas, a web front end",
    "kafka": "a client library of a broker",
    "langchain_classic": "the langchain family",
    "langchain_community": "the langchain family",
    "langchain_postgres": "the langchain family",
    "llama_index": "numpy, tokenizers",
    "locust": "importing it patches the process with gevent",
    "nameko": "eventlet",
    "nicegui": "a web front end",
    "pandas": "numpy",
    "prefect": "over a hundred packages",
    "pyspark": "300 MB and a Java machine",
    "ray": "80 MB",
    "scrapy": "twisted, lxml",
    "streamlit": "numpy, pandas, pyarrow",
    "temporalio": "a compiled core of 12 MB",
}
NEVER_IMPORTED = frozenset({"locust"})
NEWER_PYTHON = {
    "asyncio.Runner": (3, 11),
    "asyncio.TaskGroup": (3, 11),
    "asyncio.runners.Runner": (3, 11),
    "asyncio.taskgroups": (3, 11),
}
SIGNATURES_NOT_COMPARED = frozenset({"pyramid"})
"""Methods of its Configurator are wrapped by decorators."""


def rows() -> list[tuple[str, Any]]:
    """(section, row) of all YAML files; a row of `not_new_engines` and the like is a string."""
    found: list[tuple[str, Any]] = []
    for path in sorted(LIBRARY_FOLDER.glob("*.yaml")):
        file = read_library_file(path.read_bytes(), path.name, path.stem)
        for section in LibraryFile.__struct_fields__:
            if isinstance(getattr(file, section), tuple):
                found.extend((section, row) for row in getattr(file, section))
    return [(section, row) for section, row in found if isinstance(row, str) or getattr(row, "fqn", "")]


def root_of(name: str) -> str:
    """The part of a dotted name that is installed as one thing; some first parts are shared by many projects."""
    parts = name.split(".")
    shared = ("google", "zope", "opentelemetry")
    return ".".join(parts[: 3 if parts[:2] == ["google", "cloud"] else 2 if parts[0] in shared else 1])


def names_of(section: str, row: Any) -> list[str]:
    if isinstance(row, str):
        return [row]
    names = [row.fqn, *row.also, *row.likewise]
    if section == "types":
        names += [*row.bases, row.returns, row.enters, row.decorates]
        names += [*row.attributes.values(), *row.class_attributes.values()]
    return [name for name in names if name]


LIBRARIES = sorted({root_of(name) for section, row in rows() for name in names_of(section, row)})


@pytest.fixture(scope="session")
def findings() -> dict[str, list[str] | None]:
    """Library to what is wrong with its rows; None when it is not installed."""
    done = subprocess.run([sys.executable, "-W", "ignore", __file__], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, list[str] | None] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_name_real_symbols(library: str, findings: dict[str, list[str] | None]) -> None:
    wrong = findings[library]
    if wrong is None:
        pytest.skip(TOO_HEAVY.get(library, "not installed"))
    assert not wrong, "\n".join(wrong)


def test_the_list_of_heavy_libraries_is_not_stale() -> None:
    assert set(TOO_HEAVY) <= set(LIBRARIES)


# -------------------------------------------------------------------------------------------------- in its own process


class Missing(Exception):
    """The symbol does not exist; the text says where the way to it ends."""


class Unavailable(Exception):
    """The module is there and needs another package (or another version of it) that is not installed."""


def resolve(name: str) -> Any:
    """The object behind a dotted name. A function wins over the module of the same name (`dramatiq.actor`)."""
    parts = name.split(".")
    reason = ""
    for count in range(1, len(parts) + 1):
        try:
            value = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise Unavailable(str(error)) from None
            raise Missing(reason or str(error)) from None
        except ImportError as error:
            raise Unavailable(str(error)) from None
        for part in parts[count:]:
            try:
                value = attribute(value, part)
            except AttributeError as error:
                reason = str(error)
                break
        else:
            return value
    raise Missing(reason)


def attribute(owner: Any, name: str) -> Any:
    """An attribute; of a class also one that only its instances have, by annotation or by assignment to self."""
    try:
        return getattr(owner, name)
    except AttributeError:
        if not isinstance(owner, type):
            if name in getattr(owner, "names", list)():  # a zope interface
                return owner[name]
            raise
        for base in owner.__mro__:
            source = "" if base is object else source_of(base)
            if name in getattr(base, "__annotations__", {}) or re.search(rf"\bself\.{name}\b", source):
                return None
        raise
    except Exception:
        return None  # it is there, and refuses to be read outside of its framework


def source_of(item: Any) -> str:
    try:
        return inspect.getsource(item)
    except (OSError, TypeError):
        return ""


def installed(library: str) -> bool:
    if library in NEVER_IMPORTED:
        return False
    try:
        importlib.import_module(library)
    except ImportError:
        return False
    return True


def of_a_newer_python(name: str) -> bool:
    return any(sys.version_info < since for known, since in NEWER_PYTHON.items() if f"{name}.".startswith(f"{known}."))


def same(one: Any, other: Any) -> bool:
    return one is other or one == other or getattr(one, "__func__", one) is getattr(other, "__func__", other)


def wrong_with(section: str, row: Any) -> list[tuple[str, str]]:
    """(library, what is wrong) for one row."""
    wrong: list[tuple[str, str]] = []
    values: dict[str, Any] = {}
    for name in names_of(section, row):
        if installed(root_of(name)) and not of_a_newer_python(name):
            try:
                values[name] = resolve(name)
            except Missing as error:
                wrong.append((root_of(name), f"{section}: {name}: {error}"))
            except Unavailable:
                continue
    if isinstance(row, str) or row.fqn not in values:
        return wrong
    library, value = root_of(row.fqn), values[row.fqn]
    for name in row.also:
        if name in values and not same(values[name], value):
            wrong.append((library, f"{section}: {name} is another object than {row.fqn}: `likewise`, not `also`"))
    for name in getattr(row, "bases", ()):
        if isinstance(values.get(name), type) and isinstance(value, type) and not issubclass(value, values[name]):
            wrong.append((library, f"{section}: {row.fqn} does not derive from {name}"))
    if isinstance(row, EntryPoint) and row.form in (Form.CALL, Form.METHOD) and library not in SIGNATURES_NOT_COMPARED:
        wrong.extend((library, text) for text in wrong_arguments(row, value))
    return wrong


def wrong_arguments(row: EntryPoint, value: Any) -> list[str]:
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return []
    if not isinstance(value, type) and parameters and parameters[0].name in ("self", "cls"):
        del parameters[0]
    names = [parameter.name for parameter in parameters]
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return []
    any_keyword = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    wrong: list[str] = []
    for argument in row.callable:
        placed = argument.pos is not None and argument.kw is not None
        if placed and names[argument.pos :][:1] != [argument.kw]:
            wrong.append(f"{row.fqn}({', '.join(names)}): argument {argument.pos} is not {argument.kw}")
        if argument.kw is not None and argument.kw not in names and not any_keyword:
            wrong.append(f"{row.fqn}({', '.join(names)}): there is no {argument.kw}")
    return wrong


def prepare_django() -> None:
    if installed("django"):
        django = importlib.import_module("django")
        settings = importlib.import_module("django.conf").settings
        settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
        django.setup()


def main() -> None:
    prepare_django()
    wrong: defaultdict[str, set[str]] = defaultdict(set)
    for section, row in rows():
        if not getattr(row, "unverified", False):
            for library, text in wrong_with(section, row):
                wrong[library].add(text)
    print()
    print(json.dumps({name: sorted(wrong[name]) if installed(name) else None for name in LIBRARIES}))


if __name__ == "__main__":
    main()
