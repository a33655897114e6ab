"""The names of a file are found near the lines in which they stand; a walk over everything finds the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from poollint.facts.extract import extract
from poollint.facts.model import ModuleFacts
from poollint.program import references
from poollint.program.references import Position, Reference, References

FILES = sorted(Path(__file__).parent.joinpath("fixtures").rglob("*.py"))
FORMS = b"""
import other as renamed
@register(build, key=build.name)
def outer(given=build, *rest: build, **more: "build") -> build:
    if (text := strip(build())) and build:
        return lambda: build(build)
    with (
        first() as a,
        build() as b,
    ):
        yield build, {
            "key": build,
        }
    for each in [build(x) for x in build]:
        assert build, "package.module:build"
    raise Wrong(build) from build

class Derived(build, metaclass=build):
    field: build = build or other.build
"""


def shown(found: list[Reference]) -> list[str]:
    return [f"{each.expr} {place(each.position)}" for each in found]


def place(position: Position | None) -> str:
    return "" if position is None else repr([getattr(position, name) for name in position.__struct_fields__])


def compare(data: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    facts = extract(data, "module.py")
    if not isinstance(facts, ModuleFacts):
        return 0
    monkeypatch.setattr(references, "MOST_NAMES", 0)
    whole = References(facts, data)
    whole.of("anything")
    monkeypatch.setattr(references, "MOST_NAMES", 10_000)
    near = References(facts, data)
    names = {token.decode() for token in re.findall(rb"[a-zA-Z_]\w*", data)} | {"build"}
    for name in sorted(names):
        assert shown(near.of(name)) == shown(whole.of(name)), name
        assert shown(near.texts(name)) == shown(whole.texts(name)), name
    for index in range(len(facts.calls)):
        assert place(near.call(index)) == place(whole.call(index)), index
    return len(whole.of("build"))


def test_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compare(FORMS, monkeypatch) >= 20


@pytest.mark.parametrize("ending", [b"\r\n", b"\r", b"\n\n\f"])
def test_line_endings(ending: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compare(FORMS.replace(b"\n", ending), monkeypatch) >= 20


def test_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in FILES[::7]:
        compare(path.read_bytes(), monkeypatch)
