"""Text, lines, columns and chunks of a file, for files as people really have them."""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.findings import Location
from poollint.source import SourceError, SourceFile


def source(text: str, encoding: str = "utf-8") -> SourceFile:
    return SourceFile("/project/app.py", text.encode(encoding))


class TestText:
    def test_the_text_keeps_its_line_endings(self) -> None:
        file = SourceFile("/p/a.py", b"a = 1\r\nb = 2\r\n")
        assert (file.text, file.newline) == ("a = 1\r\nb = 2\r\n", "\r\n")
        assert file.lines == ["a = 1\r\n", "b = 2\r\n"]

    def test_a_byte_order_mark_is_no_part_of_the_text(self) -> None:
        file = SourceFile("/p/a.py", b"\xef\xbb\xbfa = 1\n")
        assert (file.text, file.has_bom, file.encoding) == ("a = 1\n", True, "utf-8")
        assert file.encoded("b = 1\n") == b"\xef\xbb\xbfb = 1\n"

    @pytest.mark.parametrize(
        "head", [b"# -*- coding: latin-1 -*-\n", b"#!/usr/bin/python\r# vim: fileencoding=latin-1\r"]
    )
    def test_a_declared_encoding_is_used(self, head: bytes) -> None:
        file = SourceFile("/p/a.py", head + b"name = '\xe9'\n")
        assert file.encoding == "iso-8859-1"
        assert file.text.endswith("name = 'é'\n")
        assert file.encoded(file.text) == file.data

    def test_a_declaration_below_code_is_none(self) -> None:
        assert SourceFile("/p/a.py", "x = 1\n# coding: latin-1\ny = 'é'\n".encode()).text.endswith("'é'\n")

    def test_lines_end_where_python_ends_them(self) -> None:
        file = source("a\x0cb\x1c\x85\u2028c\rd\r\ne")
        assert file.lines == ["a\x0cb\x1c\x85\u2028c\r", "d\r\n", "e"]
        assert [file.line_text(n) for n in (0, 1, 2, 3, 4)] == ["", "a\x0cb\x1c\x85\u2028c", "d", "e", ""]

    @pytest.mark.parametrize(("text", "count"), [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\n\n", 2), ("\r", 1)])
    def test_an_empty_last_line_is_none(self, text: str, count: int) -> None:
        assert len(source(text).lines) == count

    @pytest.mark.parametrize(
        ("data", "line", "message"),
        [
            (b"x = 1\ny = '\0'\n", 2, "source text cannot contain null bytes"),
            ("x = 1\n".encode("utf-16"), 1, "source text cannot contain null bytes"),
            (b"x = 1\r\ry = '\xe9'\n", 3, "is not valid utf-8"),
            (b"# coding: klingon\n", 1, "unknown encoding: klingon"),
            (b"\xef\xbb\xbf# coding: latin-1\n", 1, "encoding problem: utf-8"),
            (b"# coding: hex\nx = 1\n", 1, "cannot be decoded as hex"),
            (b"# coding: undefined\nx = 1\n", 1, "undefined"),
        ],
    )
    def test_what_is_no_source_text_says_why(self, data: bytes, line: int, message: str) -> None:
        with pytest.raises(SourceError) as caught:
            SourceFile("/p/a.py", data)
        assert caught.value.line == line
        assert message in caught.value.message
        assert str(caught.value).startswith(f"/p/a.py:{line}: ")

    @given(st.binary(max_size=200))
    def test_any_bytes_are_text_or_a_source_error(self, data: bytes) -> None:
        try:
            file = SourceFile("/p/a.py", data)
        except SourceError:
            return
        assert "".join(file.lines) == file.text
        assert file.chunk(1).text in file.text

    @given(
        st.binary(max_size=60),
        st.sampled_from(["latin-1", "cp1252", "utf-7", "shift_jis", "utf-8", "idna", "raw_unicode_escape"]),
    )
    def test_any_encoding_is_text_or_a_source_error(self, data: bytes, encoding: str) -> None:
        try:
            file = SourceFile("/p/a.py", b"# coding: " + encoding.encode() + b"\n" + data)
        except SourceError:
            return
        file.location(2, 3, 2, 9)

    def test_a_big_file_is_read_in_good_time(self) -> None:
        file = source("value = 'é'; other = [1, 2, 3]\n" * 300_000)
        assert len(file.lines) == 300_000
        assert file.code_point_column(299_999, 13) == 12


LINES = st.text(alphabet=st.sampled_from("aé\u2028\U0001f600\t\x0c 'x"), max_size=12)


class TestColumns:
    def test_a_finding_counts_code_points_from_one(self) -> None:
        file = source('name = "é\U0001f600"; engine = create_engine(url)\n')
        call = ast.parse(file.data).body[1].value
        place = file.location(call.lineno, call.col_offset, call.end_lineno, call.end_col_offset)
        assert place == Location("/project/app.py", 1, 23, 1, 41)
        assert file.text_of(place) == "create_engine(url)"
        assert file.utf16_column(1, 22) == 23

    def test_ast_counts_utf8_bytes_whatever_the_encoding_is(self) -> None:
        file = source("# coding: latin-1\nname = 'éé'; engine = f()\n", "latin-1")
        call = ast.parse(file.data).body[1].value
        assert file.location(call.lineno, call.col_offset, call.end_lineno, call.end_col_offset).column == 23

    def test_a_byte_order_mark_does_not_move_the_first_line(self) -> None:
        file = SourceFile("/p/a.py", b"\xef\xbb\xbfa = f()\n")
        call = ast.parse(file.data).body[0].value
        assert file.location(1, call.col_offset, 1, call.end_col_offset).column == 5

    def test_tabs_and_form_feeds_count_one(self) -> None:
        file = source("if x:\n\x0c\ty = f()\n")
        call = ast.parse(file.data).body[0].body[0].value
        assert file.location(2, call.col_offset, 2, call.end_col_offset).column == 7

    def test_the_text_of_a_place_over_several_lines(self) -> None:
        file = source("e = f(\r\n  1,\r\n  2)\r\n")
        assert file.text_of(Location("", 1, 5, 3, 5)) == "f(\r\n  1,\r\n  2)"

    @given(LINES, st.integers(0, 12))
    def test_conversions_lead_back(self, text: str, column: int) -> None:
        file = source(text + "\n")
        column = min(column, len(text))
        assert file.code_point_column(1, file.byte_column(1, column)) == column
        assert file.code_point_column_of_utf16(1, file.utf16_column(1, column)) == column

    @given(LINES, st.integers(-3, 60))
    def test_columns_outside_or_inside_of_a_character_are_cut(self, text: str, column: int) -> None:
        file = source(text + "\n")
        assert 0 <= file.code_point_column(1, column) <= len(text)
        assert 0 <= file.code_point_column_of_utf16(1, column) <= len(text)
        assert file.code_point_column(7, column) == 0

    @given(st.lists(st.sampled_from(["x = 'é'", "\U0001f600 = 1", "\t", "# \x0c", "y = (", ")", "'''"]), max_size=8))
    def test_lines_are_those_of_the_tokenizer(self, lines: list[str]) -> None:
        file = source("\r\n".join(lines))
        plain = file.text.replace("\r\n", "\n")
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(plain).readline))
        except (tokenize.TokenError, SyntaxError):
            return
        for token in tokens:
            if token.type == tokenize.NAME:
                assert file.line_text(token.start[0])[token.start[1] : token.end[1]] == token.string


PROGRAM = '''\
import os

class Store:
    """Doc."""

    if os.name:
        @decorated(
            1,
        )
        def load(self):
            def inner():
                return """
  text"""
            return create_engine(inner())
    elif other:
        first = 1; second = create_engine("")

try:
    engine = create_engine(
        "url",
    )
except ImportError: engine = None
with create_engine("a") as e:
    pass
if x: one_line = create_engine("b")
'''


class TestChunks:
    @pytest.mark.parametrize(
        ("line", "first", "last"),
        [
            (1, 1, 1),
            (4, 4, 4),
            (7, 7, 14),
            (10, 7, 14),
            (13, 7, 14),
            (3, 3, 16),
            (15, 6, 16),
            (16, 16, 16),
            (20, 19, 21),
            (22, 18, 22),
            (23, 23, 24),
            (24, 24, 24),
            (25, 25, 25),
        ],
    )
    def test_a_chunk_is_the_outermost_function_or_the_statement(self, line: int, first: int, last: int) -> None:
        chunk = source(PROGRAM).chunk(line)
        assert (chunk.first_line, chunk.last_line) == (first, last)

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_every_name_of_every_chunk_is_where_ast_sees_it(self, newline: str) -> None:
        import libcst

        file = source(PROGRAM.replace("\n", newline).replace("text", "tést 😀"))
        for line in range(1, len(file.lines) + 1):
            if not file.line_text(line):
                continue
            positions = file.chunk(line).positions()
            assert positions is not None
            for node in positions.ranges:
                if isinstance(node, libcst.Name):
                    start, column, end, end_column = positions.position(node)
                    if start > 0 and file.line_text(start):
                        assert (end, file.line_text(start)[column:end_column]) == (start, node.value)

    def test_a_chunk_with_the_line_endings_of_old_macs_is_not_parsed(self) -> None:
        # libcst drops the last of them, and what it does not give back whole is not used.
        assert source(PROGRAM.replace("\n", "\r")).chunk(10).positions() is None

    def test_a_chunk_is_never_dedented(self) -> None:
        chunk = source(PROGRAM).chunk(10)
        module, line_offset, shifts = chunk.parse()
        assert module.code == "if 1:\n" + chunk.text
        assert (line_offset, shifts) == (5, {})

    def test_tabs_and_the_indent_of_the_file_are_kept(self) -> None:
        chunk = source("class A:\n\tdef f(self):\n\t\treturn create_engine('')").chunk(3)
        module, _, _ = chunk.parse()
        assert module.default_indent == "\t"
        assert module.code == "if 1:\n\tdef f(self):\n\t\treturn create_engine('')"

    def test_a_form_feed_before_a_function_moves_its_first_line_only(self) -> None:
        import libcst

        file = source("x = 1\n\x0cdef load():\n    return create_engine('')\n")
        positions = file.chunk(3).positions()
        places = {node.value: positions.position(node) for node in positions.ranges if isinstance(node, libcst.Name)}
        assert places["load"] == (2, 5, 2, 9)
        assert places["create_engine"] == (3, 11, 3, 24)

    def test_positions_are_locations_of_the_file(self) -> None:
        import libcst

        file = source(PROGRAM)
        positions = file.chunk(20).positions()
        call = next(node for node in positions.ranges if isinstance(node, libcst.Call))
        assert positions.location(call) == Location("/project/app.py", 19, 14, 21, 6)

    def test_a_file_that_does_not_parse_has_chunks_of_one_line(self) -> None:
        chunk = source("def f(:\n    x = 1\n").chunk(1)
        assert (chunk.first_line, chunk.last_line, chunk.parse()) == (1, 1, None)

    def test_a_line_without_a_statement_has_nothing_to_parse(self) -> None:
        file = source("x = 1\n\n# comment\n")
        assert [file.chunk(line).text for line in (2, 3, 99)] == ["\n", "# comment\n", ""]
        assert [file.chunk(line).parse() for line in (2, 3, 99)] == [None, None, None]

    @pytest.mark.parametrize(
        "text",
        [
            "x = a" + ".b()" * 900,
            "x = " + "+".join("a" * 900),
            "x = " + "+".join("a" * 9_000),
            "x = " + "-" * 5_000 + "1",
            "x = " + "(" * 150 + "1" + ")" * 150,
            "x = '" + "a" * 1_100_000 + "'",
        ],
        ids=["calls", "sum", "long sum", "signs", "brackets", "long"],
    )
    def test_what_libcst_could_die_of_is_not_given_to_it(self, text: str) -> None:
        assert source(text + "\n").chunk(1).parse() is None

    @given(st.text(alphabet="if:\n \tdefx()=1;'\"#\\\x0c@", max_size=60), st.integers(0, 8))
    def test_no_source_makes_a_chunk_raise(self, text: str, line: int) -> None:
        file = source(text)
        chunk = file.chunk(line)
        parsed = chunk.parse()
        if parsed is not None:
            module, _, shifts = parsed
            lines = enumerate(file.lines[chunk.first_line - 1 : chunk.last_line], chunk.first_line)
            kept = [text[shifts.get(number, 0) :] for number, text in lines]
            assert module.code.removeprefix(f"if 1:{file.newline}") == "".join(kept)
