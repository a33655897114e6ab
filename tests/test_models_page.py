"""docs/models.md promises no more than what is read: what has no reader stands in a section of its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec

from poollint.library import model

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "poollint"
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
READERS = {
    "entrypoints": {"entry_points", "subclass_entry_points", "named"},
    "fork_hooks_child": {"fork_hook_child", "hook"},
    "fork_hooks_parent_before": {"fork_hook_parent", "hook"},
    "release_hooks": {"release_hook", "hook"},
    "memoizers": {"memoizer"},
    "anti_memoizers": {"anti_memoizer"},
    "transparent_decorators": {"is_transparent"},
    "receiver_hints": {"hints"},
    "engine_factories": {"engine_factory"},
    "self_disposing": {"self_disposing"},
    "not_new_engines": {"is_same_engine"},
    "engine_borrowers": {"borrower", "borrowing_method"},
    "session_factories": {"session_factory"},
    "session_proxies": {"is_session_proxy"},
    "connection_acquirers": {"connection_acquirer"},
    "dispose": {"is_dispose"},
    "facts": {"facts"},
    "types": {"type_row"},
    "handle_makers": {"handle_maker"},
    "handles": {"handle"},
    "slow_calls": {"slow_call"},
    "streamers": {"streamer"},
    "pools": {"pool_class"},
    "engine_drivers": {"engine_driver"},
    "default_pools": {"default_pools"},
    "engine_options": {"engine_option"},
    "driver_pools": {"driver_pool"},
}
"""The questions to `Library` that are answered from a section."""
REMARKS = {"note", "unverified", "why", "since", "where"}
"""For those who read the rows."""
OTHERS_OF_THAT_NAME = {"star", "release", "scope", "bind", "list"}
"""Keys without a reader, although the source has attributes of the same name."""


def attributes_read(folder: str = "") -> set[str]:
    """The attributes that are read in the source, but for the definition of the rows."""
    found: set[str] = set()
    for file in (SOURCE / folder).rglob("*.py"):
        if file.parent.name != "library" or not folder:
            if (file.parent.name, file.name) != ("library", "model.py"):
                tree = ast.parse(file.read_text(encoding="utf-8"))
                found.update(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return found


def listed(introduction: str) -> set[str]:
    """The names in the item of the section that begins with some words."""
    section = PAGE.partition("## What is not read yet")[2].partition("\n## ")[0]
    item = section.partition(f"- {introduction}:")[2].partition("\n- ")[0]
    return set(re.findall(r"`(\w+)`", item))


def test_each_section_is_known_here() -> None:
    assert set(READERS) == set(model.LibraryFile.__struct_fields__) - {"version"}


def test_sections_without_a_reader_are_listed() -> None:
    asked = attributes_read("program") | attributes_read("rules") | attributes_read("checking")
    assert listed("sections") == {section for section, readers in READERS.items() if not readers & asked}


def test_keys_without_a_reader_are_listed() -> None:
    rows = [value for value in vars(model).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)]
    keys = {field for row in rows if row is not model.LibraryFile for field in row.__struct_encode_fields__}
    names = {field: row.__struct_fields__[at] for row in rows for at, field in enumerate(row.__struct_encode_fields__)}
    read = attributes_read()
    unread = {key for key in keys if names[key] not in read}
    assert listed("keys") == (unread | OTHERS_OF_THAT_NAME) - REMARKS


def test_the_table_marks_the_sections_without_a_reader() -> None:
    for line in re.findall(r"^\| `\w+` \|.*$", PAGE, re.MULTILINE):
        section = line.split("`")[1]
        assert ("not read yet" in line) == (section in listed("sections")), line
