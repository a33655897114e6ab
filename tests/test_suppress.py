"""Comments that keep findings out of the report. What flake8 suppresses is compared with flake8 itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.source import SourceFile
from poollint.suppress import FILE_NOQA, IGNORE, NOQA, Suppressions


def suppressions(text: str) -> Suppressions:
    return Suppressions.of(SourceFile("/p/app.py", text.encode()))


def unused(
    found: Suppressions, enabled: set[str], known: tuple[str, ...] | list[str] = ()
) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(comment.line, comment.column, codes) for comment, codes in found.unused(enabled, known)]


class TestNoqa:
    @pytest.mark.parametrize(
        ("comment", "answer"),
        [
            ("# noqa", NOQA),
            ("# NOQA", NOQA),
            ("# noqa: POL102", NOQA),
            ("# noqa:POL102", NOQA),
            ("# noqa: POL1", NOQA),
            ("# noqa: E501,POL102", NOQA),
            ("# noqa: E501 POL102 because", NOQA),
            ("# noqa: pol102", NOQA),
            ("# why  # noqa: POL102", NOQA),
            ("# noqa : E501", NOQA),
            ("# noqa: because it is fine", NOQA),
            ("# noqa: E501", None),
            ("# noqa: POL2", None),
            ("#noqa", None),
            ("# nothing", None),
        ],
    )
    def test_one_line(self, comment: str, answer: str | None) -> None:
        assert suppressions(f"engine = create_engine(url)  {comment}\n").suppresses("POL102", 1) == answer

    def test_another_line_is_not_covered(self) -> None:
        found = suppressions("a = 1  # noqa\nb = 2\n")
        assert found.suppresses("POL102", 2) is None

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_any_line_of_the_logical_line_counts(self, place: int) -> None:
        lines = ["engine = create_engine(", "    url,", ")"]
        lines[place] += "  # noqa: POL102"
        found = suppressions("import sqlalchemy\n" + "\n".join(lines) + "\nx = 1\n")
        assert [found.suppresses("POL102", line) for line in range(1, 6)] == [None, NOQA, NOQA, NOQA, None]

    def test_the_body_of_a_function_is_not_covered_by_its_header(self) -> None:
        found = suppressions("def f(\n    a,  # noqa\n):\n    return create_engine(a)\n")
        assert found.suppresses("POL102", 1) == NOQA
        assert found.suppresses("POL102", 4) is None

    def test_a_string_over_several_lines_is_one_line_as_for_flake8(self) -> None:
        found = suppressions('engine = create_engine("""\n""")  # noqa: POL1\n')
        assert found.suppresses("POL102", 1) == NOQA

    @pytest.mark.parametrize("line", ["# flake8: noqa", "    # flake8: NOQA", "# flake8:noqa", "# flake8: noqa: E501"])
    def test_a_whole_file(self, line: str) -> None:
        found = suppressions(f"import os\n{line}\nengine = create_engine(url)\n")
        assert found.suppresses("POL102", 3) == FILE_NOQA
        assert found.unused({"POL102"}) == []

    def test_a_whole_file_comment_behind_code_is_a_plain_one(self) -> None:
        assert suppressions("import os  # flake8: noqa\nx = 1\n").suppresses("POL102", 2) is None

    def test_in_broken_source_each_line_stands_alone(self) -> None:
        found = suppressions("x = (\n1  # noqa: POL1\n")
        assert found.suppresses("POL102", 2) == NOQA
        assert found.suppresses("POL102", 1) is None


class TestIgnore:
    @pytest.mark.parametrize(
        "comment",
        [
            "# poollint: ignore[POL102] one engine a tenant",
            "# poollint: ignore[POL102]",
            "#poollint:ignore[ POL101, pol102 ]",
            "# poollint: ignore[POL1]",
            "# noqa: E501  # poollint: ignore[POL102]",
        ],
    )
    def test_one_line(self, comment: str) -> None:
        found = suppressions(f"engine = create_engine(url)  {comment}\n")
        assert found.suppresses("POL102", 1) == IGNORE
        assert found.suppresses("POL201", 1) is None

    @pytest.mark.parametrize("comment", ["# poollint: ignore", "# poollint: ignore[]", "# poollint: skip[POL102]"])
    def test_a_comment_without_a_code_does_nothing(self, comment: str) -> None:
        found = suppressions(f"engine = create_engine(url)  {comment}\n")
        assert found.suppresses("POL102", 1) is None
        assert found.unused({"POL102"}) == []

    def test_the_first_and_the_last_line_of_a_statement_count(self) -> None:
        text = "engine = create_engine({}\n    url,{}\n){}\n"
        for place, answer in ((0, IGNORE), (1, None), (2, IGNORE)):
            comments = ["", "", ""]
            comments[place] = "  # poollint: ignore[POL102]"
            assert suppressions(text.format(*comments)).suppresses("POL102", 1) == answer

    def test_the_line_of_the_finding_counts(self) -> None:
        found = suppressions(
            "ENGINES = [\n    create_engine(a),  # poollint: ignore[POL114]\n    create_engine(b),\n]\n"
        )
        assert found.suppresses("POL114", 2) == IGNORE
        assert found.suppresses("POL114", 3) is None

    def test_the_statement_can_be_given(self) -> None:
        found = suppressions("with create_engine(a) as e:\n    x = 1\n    y = 2  # poollint: ignore[POL102]\n")
        assert found.suppresses("POL102", 1) is None
        assert found.suppresses("POL102", 1, 1, 3) == IGNORE

    def test_a_string_is_no_comment(self) -> None:
        found = suppressions('engine = create_engine("# poollint: ignore[POL102]")\n')
        assert found.suppresses("POL102", 1) is None
        assert found.unused({"POL102"}) == []

    def test_comments_before_a_syntax_error_are_found(self) -> None:
        found = suppressions("x = f()  # poollint: ignore[POL102]\ny = (\n")
        assert found.suppresses("POL102", 1) == IGNORE


class TestUnused:
    TEXT = "a = 1\nb = 'é'; c = f()  # poollint: ignore[POL101, POL102] reason\n"

    def test_each_code_that_suppressed_nothing_is_named(self) -> None:
        found = suppressions(self.TEXT)
        assert unused(found, {"POL101", "POL102"}) == [(2, 19, ("POL101", "POL102"))]
        found.suppresses("POL102", 2)
        assert unused(found, {"POL101", "POL102"}) == [(2, 19, ("POL101",))]
        found.suppresses("POL101", 2)
        assert found.unused({"POL101", "POL102"}) == []

    def test_a_code_that_is_not_enabled_had_no_chance(self) -> None:
        found = suppressions(self.TEXT)
        assert unused(found, {"POL102"}) == [(2, 19, ("POL102",))]
        assert self.TEXT.splitlines()[1][18 : found.unused({"POL102"})[0][0].end_column - 1].startswith(
            "# poollint: ignore["
        )
        assert suppressions(self.TEXT).unused(set()) == []

    def test_a_prefix_is_unused_when_everything_it_covers_is_enabled(self) -> None:
        found = suppressions("x = 1  # poollint: ignore[POL1]\n")
        known = {"POL101", "POL102", "POL201"}
        assert found.unused({"POL101", "POL201"}, known) == []
        assert unused(found, {"POL101", "POL102"}, known) == [(1, 8, ("POL1",))]

    @pytest.mark.parametrize("code", ["POL999", "POL1O3", "POL9"])
    def test_a_code_of_no_rule_is_unused(self, code: str) -> None:
        found = suppressions(f"x = 1  # poollint: ignore[{code}] reason\n")
        assert unused(found, set(), {"POL101"}) == [(1, 8, (code,))]

    def test_a_word_that_is_no_code_says_nothing(self) -> None:
        assert suppressions("x = 1  # poollint: ignore[BECAUSE]\n").unused(set(), {"POL101"}) == []

    def test_noqa_is_never_called_unused(self) -> None:
        assert suppressions("x = 1  # noqa: POL102\n").unused({"POL102"}) == []


def test_line_endings_and_a_byte_order_mark_make_no_difference() -> None:
    text = "engine = create_engine(\n    url)  # poollint: ignore[POL102]\nother = f()  # noqa: POL2\n"
    for ending in ("\n", "\r\n", "\r"):
        found = Suppressions.of(SourceFile("/p/a.py", b"\xef\xbb\xbf" + text.replace("\n", ending).encode()))
        assert found.suppresses("POL102", 1) == IGNORE
        assert found.suppresses("POL201", 3) == NOQA


FRAGMENTS = (
    "# noqa",
    "# noqa: POL1",
    "# flake8: noqa",
    "# poollint: ignore[POL101]",
    "poollint: ignore[",
    "x = 1",
    "f(",
    ")",
    '"""',
    "'",
    "\\",
    "\n",
    "\r\n",
    "\n    ",
    "\x0c",
    "\t",
    "f'{",
    "}'",
    "é",
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14))
def test_no_source_makes_suppressions_raise(parts: list[str]) -> None:
    source = SourceFile("/p/a.py", " ".join(parts).encode())
    found = Suppressions.of(source)
    for line in range(len(source.lines) + 2):
        found.suppresses("POL101", line)
    for line, column, codes in unused(found, {"POL101"}):
        assert source.line_text(line)[column - 1] == "#"
        assert codes == ("POL101",)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14))
def test_what_flake8_suppresses_is_suppressed(parts: list[str]) -> None:
    from argparse import Namespace

    from flake8.processor import FileProcessor
    from flake8.violation import Violation

    text = " ".join(parts).replace("\r\n", "\n")
    options = Namespace(
        hang_closing=False, indent_size=4, max_line_length=79, max_doc_length=None, verbose=0, disable_noqa=False
    )
    lines = text.splitlines(keepends=True) if not set(text) & set("\x0c\r") else []
    processor = FileProcessor("/p/a.py", options, lines=lines)
    found = suppressions(text)
    for line in range(1, len(lines) + 1):
        physical = processor.noqa_line_for(line)
        violation = Violation("POL101", "/p/a.py", line, 1, "", lines[line - 1] if physical is None else physical)
        if processor.should_ignore_file() or violation.is_inline_ignored(disable_noqa=False):
            assert found.suppresses("POL101", line) is not None
