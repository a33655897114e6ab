"""The formats, character by character: people and programs read them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from poollint.findings import Applicability, Confidence, Edit, Finding, Fix, Location, Related, Severity
from poollint.output import FORMATS, View, renderer
from poollint.output.style import printable, visible, wants_colour

START = Path("/work/shop")
DATABASE = "/work/shop/config/database.py"
LINES = {
    DATABASE: [
        "from sqlalchemy import create_engine",
        "",
        "def get_db_session():",
        "    engine = create_engine(URL, pool_recycle=10)",
        "    return sessionmaker(bind=engine)()",
    ]
}
FINDING = Finding(
    location=Location(DATABASE, 4, 14, 4, 49),
    code="POL101",
    name="engine-per-call",
    message="create_engine() runs once per callback (registered at main.py:14): create it once at import",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    symbol="config.database.get_db_session",
    related=(
        Related(Location("/work/shop/main.py", 14, 9, 14, 40), "worker() is the callback of add_done_callback()"),
        Related(Location("/elsewhere/worker.py", 8, 5, 8, 30), "worker() calls get_db_session()"),
    ),
    fix=Fix(Applicability.UNSAFE, "create the engine once, at module level"),
    fingerprint="0123456789abcdef",
)


def render(name: str, *findings: Finding, colour: bool = False, lines: dict[str, list[str]] | None = None) -> str:
    texts = LINES if lines is None else lines
    return renderer(name)(findings, View(START, lambda path: texts.get(path, []), colour))


def test_text() -> None:
    assert render("text", FINDING) == (
        "config/database.py:4:14: POL101 create_engine() runs once per callback (registered at main.py:14): "
        "create it once at import\n"
    )


def test_full() -> None:
    assert render("full", FINDING) == (
        "config/database.py:4:14: POL101 create_engine() runs once per callback (registered at main.py:14): "
        "create it once at import\n"
        "  |\n"
        "4 |     engine = create_engine(URL, pool_recycle=10)\n"
        "  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  |\n"
        "  = 1. main.py:14: worker() is the callback of add_done_callback()\n"
        "  = 2. /elsewhere/worker.py:8: worker() calls get_db_session()\n"
        "  = help: create the engine once, at module level\n"
        "  = error, high confidence: engine-per-call\n"
    )


def test_json() -> None:
    edit = Edit(Location(DATABASE, 4, 5, 4, 6), "x")
    fix = Fix(Applicability.SAFE, "do it", (edit,))
    assert json.loads(render("json", Finding(**{**fields(FINDING), "fix": fix}))) == [
        {
            "path": "config/database.py",
            "line": 4,
            "column": 14,
            "end_line": 4,
            "end_column": 49,
            "code": "POL101",
            "name": "engine-per-call",
            "message": FINDING.message,
            "severity": "error",
            "confidence": "high",
            "symbol": "config.database.get_db_session",
            "related": [
                {
                    "path": "main.py",
                    "line": 14,
                    "column": 9,
                    "message": "worker() is the callback of add_done_callback()",
                },
                {
                    "path": "/elsewhere/worker.py",
                    "line": 8,
                    "column": 5,
                    "message": "worker() calls get_db_session()",
                },
            ],
            "fix": {
                "applicability": "safe",
                "title": "do it",
                "edits": [
                    {
                        "path": "config/database.py",
                        "start": {"line": 4, "column": 5},
                        "end": {"line": 4, "column": 6},
                        "text": "x",
                    }
                ],
            },
            "url": FINDING.url,
            "fingerprint": "0123456789abcdef",
        }
    ]


def fields(finding: Finding) -> dict[str, object]:
    return finding._asdict()


@pytest.mark.parametrize(("name", "expected"), [("text", ""), ("full", ""), ("json", "[]\n")])
def test_nothing_found(name: str, expected: str) -> None:
    assert render(name) == expected


def test_no_fix_is_null() -> None:
    assert json.loads(render("json", Finding(**{**fields(FINDING), "fix": None})))[0]["fix"] is None


def test_an_excerpt_keeps_tabs_and_counts_wide_characters() -> None:
    line = '\tname = "接続"; e = make()'
    found = Finding(**{**fields(FINDING), "location": Location(DATABASE, 1, 18, 1, 24), "related": (), "fix": None})
    excerpt = render("full", found, lines={DATABASE: [line]}).splitlines()[2:4]
    assert excerpt == ['1 | \tname = "接続"; e = make()', "  | \t" + " " * 18 + "^^^^^^"]


def test_a_long_span_loses_its_middle() -> None:
    lines = [f"line {number}" for number in range(1, 30)]
    found = Finding(**{**fields(FINDING), "location": Location(DATABASE, 8, 1, 20, 3), "related": (), "fix": None})
    shown = render("full", found, lines={DATABASE: lines}).splitlines()
    numbers = [line.split(" |")[0].strip() for line in shown[2:-1] if line.split(" |")[0].strip()]
    assert numbers == ["8", "9", "10", "11", "...", "20"]


def test_without_source_the_finding_stands() -> None:
    assert render("full", FINDING, lines={}).splitlines()[1].startswith("  = 1. main.py:14")


def test_control_characters_cannot_disturb_a_terminal() -> None:
    path = "/work/shop/a\n\x1b[31m.py"
    found = Finding(**{**fields(FINDING), "location": Location(path, 1, 1, 1, 2), "message": "x\x1b[0m", "related": ()})
    for name in ("text", "full"):
        assert "\x1b" not in render(name, found, lines={path: ["a\x1b[31m\x7f"]})
    assert render("text", found) == "a\\n\\x1b[31m.py:1:1: POL101 x\\x1b[0m\n"
    assert visible("a\x1b\x7f\tb") == "a\u241b\ufffd\tb"
    assert printable("ü\tb") == "ü\tb"


def test_colours() -> None:
    text = render("text", FINDING, colour=True)
    assert text.startswith("\x1b[1mconfig/database.py:4:14\x1b[0m: \x1b[31;1mPOL101\x1b[0m create_engine()")
    assert "\x1b[31;1m^^^" in render("full", FINDING, colour=True)


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_when_colours_are_used(environment: dict[str, str], terminal: bool, expected: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    assert wants_colour(Stream(), environment) is expected


def test_every_format_has_a_renderer() -> None:
    for name in FORMATS:
        assert callable(renderer(name))
    with pytest.raises(KeyError):
        renderer("sarif")
