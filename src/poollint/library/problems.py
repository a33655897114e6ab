"""What is wrong with a YAML file of knowledge, and on which line: the error path of reading.

msgspec names the place of a wrong value as a path (`$.kind`, `$.callable[0].pos`), without lines. They are found by
composing the YAML text a second time, into nodes with marks, and following the path.
"""

from __future__ import annotations

import difflib
import re
import typing
from enum import Enum
from typing import Any

import msgspec
import yaml

from poollint.library.errors import LibraryError
from poollint.library.model import LibraryFile

_AT = re.compile(r"(?P<text>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING_KEY = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN_WORD = re.compile(r"Invalid enum value '?([^']*)'?\Z")

Path = tuple[str | int, ...]


def describe_invalid(data: bytes, path: str, raw: dict[str, Any], error: msgspec.ValidationError) -> LibraryError:
    """Turn msgspec's complaint about the whole file into an error that names the line and the key of one row."""
    for section in raw:
        if section not in LibraryFile.__struct_fields__:
            reason = "this section is not known" + _nearest(section, LibraryFile.__struct_fields__)
            return LibraryError(path, _line(data, (section,)), str(section), reason)
    types = typing.get_type_hints(LibraryFile)
    for section, rows in raw.items():
        row_type = _item_type(types[section])
        if row_type is None or not isinstance(rows, list):
            found = _complaint(rows, types[section])
            if found is not None:
                return _describe(data, path, (section,), types[section], found)
            continue
        for index, row in enumerate(rows):
            found = _complaint(row, row_type)
            if found is not None:
                return _describe(data, path, (section, index), row_type, found)
    return LibraryError(path, 1, "", str(error))


def describe_row(data: bytes, path: str, place: Path, key: str, reason: str) -> LibraryError:
    """An error about `key` of the row at `place`, on the line of the key or, when it is missing, of the row."""
    return LibraryError(path, _line(data, (*place, key)), key, reason)


def _complaint(value: object, expected: Any) -> str | None:
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _describe(data: bytes, path: str, place: Path, expected: Any, complaint: str) -> LibraryError:
    match = _AT.match(complaint)
    text, inner = (match["text"], _steps(match["path"] or "")) if match else (complaint, ())
    owner = _type_at(expected, inner)
    key = next((str(step) for step in reversed((*place, *inner)) if isinstance(step, str)), "")
    if unknown := _UNKNOWN_KEY.match(text):
        key, inner = unknown[1], (*inner, unknown[1])
        reason = "this key is not known here" + _nearest(key, _encoded_names(owner))
    elif missing := _MISSING_KEY.match(text):
        key = missing[1]
        reason = "the row lacks this key"
    elif unknown := _UNKNOWN_WORD.match(text):
        words = [str(member.value) for member in owner] if isinstance(owner, type) and issubclass(owner, Enum) else []
        reason = f"`{unknown[1]}` is no valid word" + (_nearest(unknown[1], words) if words else "")
    else:
        reason = text[0].lower() + text[1:]
    return LibraryError(path, _line(data, (*place, *inner)), key, reason)


def _nearest(word: str, known: Any) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(names)}"


def _steps(path: str) -> Path:
    return tuple(int(index) if index else name for name, index in _STEP.findall(path))


def _item_type(expected: Any) -> Any:
    """`X` of `tuple[X, ...]`, else None."""
    arguments = typing.get_args(expected)
    return arguments[0] if typing.get_origin(expected) is tuple else None


def _type_at(expected: Any, steps: Path) -> Any:
    """The declared type at a path inside of a row; the word `| None` of an optional one is dropped."""
    for step in steps:
        if isinstance(step, int):
            expected = _item_type(expected)
        elif isinstance(expected, type) and issubclass(expected, msgspec.Struct):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(expected)}
            expected = fields.get(step)
        plain = [argument for argument in typing.get_args(expected) if argument is not type(None)]
        if type(None) in typing.get_args(expected) and len(plain) == 1:
            expected = plain[0]
    return expected


def _encoded_names(owner: Any) -> list[str]:
    if isinstance(owner, type) and issubclass(owner, msgspec.Struct):
        return [field.encode_name for field in msgspec.structs.fields(owner)]
    return []


def _line(data: bytes, path: Path) -> int:
    """The line of the deepest node of `path` that exists; of a mapping entry, the line of its key."""
    node = yaml.compose(data, Loader=yaml.SafeLoader)
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == step), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
