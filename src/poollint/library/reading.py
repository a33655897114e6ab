"""From the bytes of one YAML file to a validated `LibraryFile`. Imported only when no compiled form fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from poollint.library.errors import LibraryError
from poollint.library.model import EntryPoint, Form, LibraryFile, Symbol

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without libyaml: slower, the same result
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

DOTTED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
_TAG = "tag:yaml.org,2002:"
_BOOLEAN = (f"{_TAG}bool", re.compile(r"(true|false)\Z"))
_NULL = (f"{_TAG}null", re.compile(r"(null|~|)\Z"))
_INTEGER = (f"{_TAG}int", re.compile(r"[-+]?[0-9]+\Z"))


class _RowLoader(_SafeLoader):
    """YAML with the scalars of YAML 1.2: `yes`, `no` and `on` are words and `1.10` is a version, not a number.

    A key that is given twice is an error: PyYAML would drop the first section without a word.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML declares it, and never writes to it after the class is made)
        **{first: [_BOOLEAN] for first in "tf"},
        **{first: [_NULL] for first in ("n", "~", "")},
        **{first: [_INTEGER] for first in "-+0123456789"},
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key.value}` stands here twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_library_file(data: bytes, path: str, stem: str) -> LibraryFile:
    """Parse and validate one file; `path` is what errors call it, `stem` becomes `EntryPoint.library`.

    Raises:
        LibraryError: the YAML is broken, a key or word is unknown, a value has the wrong type, a row lacks what its
            form needs, or a row is there twice.
    """
    raw = _parse(data, path)
    for row in _rows(raw, "entrypoints"):
        row.setdefault("library", stem)
    try:
        file = msgspec.convert(raw, LibraryFile)
    except msgspec.ValidationError as error:
        from poollint.library.problems import describe_invalid

        raise describe_invalid(data, path, raw, error) from None
    for section, index, key, reason in _contradictions(file, raw):
        from poollint.library.problems import describe_row

        raise describe_row(data, path, (section, index), key, reason)
    return file


def _parse(data: bytes, path: str) -> dict[str, Any]:
    try:
        raw = yaml.load(data, Loader=_RowLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "this is no YAML"
        raise LibraryError(path, mark.line + 1 if mark else 1, "", f"broken YAML: {reason}") from None
    except (ValueError, RecursionError) as error:
        raise LibraryError(path, 1, "", f"broken YAML: {error}") from None
    if not isinstance(raw, dict):
        raise LibraryError(path, 1, "", "the file has to be a mapping of sections (entrypoints:, types:, ...)")
    return raw


def _rows(raw: dict[str, Any], section: str) -> Iterator[dict[str, Any]]:
    rows = raw.get(section)
    if isinstance(rows, list):
        yield from (row for row in rows if isinstance(row, dict))


def _contradictions(file: LibraryFile, raw: dict[str, Any]) -> Iterator[tuple[str, int, str, str]]:
    """Rows that are well-formed and still make no sense: (section, index, key, reason)."""
    if file.version != 1:
        yield "version", -1, "version", f"version {file.version} is not known; this poollint reads version 1"
    for index, entry in enumerate(file.entrypoints):
        for key, reason in _entry_point_contradictions(entry, raw["entrypoints"][index]):
            yield "entrypoints", index, key, reason
    for section in LibraryFile.__struct_fields__:
        rows = getattr(file, section)
        if isinstance(rows, tuple):
            yield from _name_contradictions(section, rows)


def _entry_point_contradictions(entry: EntryPoint, raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if entry.form is Form.NAMED:
        if entry.predicate is None:
            yield "predicate", "a row of form `named` needs a `predicate`"
        if entry.fqn:
            yield "fqn", "a row of form `named` has no `fqn`: give the form in which the name is used"
        return
    if entry.predicate is not None:
        yield "predicate", "only a row of form `named` has a `predicate`"
    if not entry.fqn:
        yield "fqn", "the row has no `fqn`"
    if entry.form is Form.SUBCLASS and not entry.methods:
        yield "methods", "a row of form `subclass` needs `methods`"
    if entry.form in (Form.CALL, Form.METHOD) and "callable" not in raw:
        yield "callable", f"a row of form `{entry.form}` needs `callable`: which argument is the function"


def _name_contradictions(section: str, rows: tuple[Any, ...]) -> Iterator[tuple[str, int, str, str]]:
    seen: set[object] = set()
    identity: object
    for index, row in enumerate(rows):
        if isinstance(row, str):
            key, names, identity = "", (row,), row
        elif hasattr(row, "fqn"):
            key, names, identity = "fqn", (row.fqn, *row.also, *row.likewise), _identity(row)
            if isinstance(row, Symbol) and not row.fqn and row.predicate is None:
                yield section, index, "fqn", "the row has neither `fqn` nor `predicate`"
        else:
            continue
        for name in filter(None, names):
            if DOTTED_NAME.match(name) is None:
                yield section, index, key, f"`{name}` is no dotted name"
        if identity in seen:
            yield section, index, key, f"`{names[0] or identity}` is in this file twice"
        seen.add(identity)


def _identity(row: Any) -> object:
    """What makes two rows of one section and file the same row."""
    if isinstance(row, EntryPoint):
        return (row.fqn, row.form, row.callable, row.methods, row.predicate, row.name)
    if isinstance(row, Symbol):
        return (row.fqn, row.form, row.kw, row.predicate)
    return row.fqn
