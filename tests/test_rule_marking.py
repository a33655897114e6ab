"""From a verdict to the reported place: what the visitors of the rules accept and what they say about the fix."""

from __future__ import annotations

import ast
import textwrap

import pytest

from poollint import chunks
from poollint.findings import Applicability, Confidence, Severity
from poollint.program.sites import Span
from poollint.rules.base import Verdict
from poollint.rules.marking import LatestTree, Marked, mark
from poollint.source import SourceFile


def marked(code: str, text: str, wanted: str, *, title: str = "Mend it", applicability: str = "unsafe") -> Marked:
    """What the visitor of `code` makes of a verdict at the only syntax node whose source is `wanted`."""
    source = SourceFile("/project/app.py", textwrap.dedent(text).encode())
    try:
        span = _span(source, wanted)
    except SyntaxError:
        span = Span(source.path, 1, 0, 1, 4)
    verdict = Verdict(
        code, span, span, span.line, "f", "message", Severity.ERROR, Confidence.HIGH, (), title, applicability
    )
    return mark(verdict, source, LatestTree())


def verdict_at(code: str, span: Span) -> Verdict:
    return Verdict(code, span, span, span.line, "f", "message", Severity.ERROR, Confidence.HIGH, (), "Mend it")


def _span(source: SourceFile, wanted: str) -> Span:
    found = {
        (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        for node in ast.walk(ast.parse(source.text))
        if isinstance(node, (ast.Call, ast.stmt)) and ast.get_source_segment(source.text, node) == wanted
    }
    ((line, column, end_line, end_column),) = found
    assert end_line is not None
    assert end_column is not None
    return Span(source.path, line, column, end_line, end_column)


class TestPlaces:
    def test_a_call_in_a_method(self) -> None:
        found = marked(
            "POL101",
            """
            class Repo:
                def open(self):
                    return Session(create_engine(URL, echo=True))
            """,
            "create_engine(URL, echo=True)",
        )
        assert found.text == "create_engine(URL, echo=True)"
        assert (found.location.line, found.location.column, found.location.end_column) == (4, 24, 53)

    def test_columns_count_code_points(self) -> None:
        found = marked("POL101", "def f(): 'äöü€'; return create_engine(URL)\n", "create_engine(URL)")
        assert (found.location.column, found.text) == (25, "create_engine(URL)")

    def test_a_call_over_several_lines(self) -> None:
        found = marked(
            "POL101",
            "def f():\n    return create_engine(\n        URL,\n    )\n",
            "create_engine(\n        URL,\n    )",
        )
        assert (found.location.line, found.location.end_line, found.location.end_column) == (2, 4, 6)

    def test_parentheses_around_the_call_do_not_belong_to_it(self) -> None:
        assert marked("POL101", "def f():\n    return (create_engine(URL))\n", "create_engine(URL)").text == (
            "create_engine(URL)"
        )

    def test_a_call_in_a_decorator(self) -> None:
        text = "@use(create_engine(URL))\ndef f():\n    pass\n"
        assert marked("POL101", text, "create_engine(URL)").text == "create_engine(URL)"

    def test_a_statement_that_overwrites(self) -> None:
        found = marked("POL107", "class A:\n    def close(self):\n        self.engine = None\n", "self.engine = None")
        assert (found.text, found.fix is not None) == ("self.engine = None", True)

    def test_a_file_that_does_not_parse_keeps_the_place(self) -> None:
        found = marked("POL101", "def f(:\n", "nothing")
        assert (found.location.line, found.location.column, found.text) == (1, 1, "def ")

    def test_a_rule_without_a_judgement_has_no_fix(self) -> None:
        assert marked("POL900", "create_engine(URL)\n", "create_engine(URL)").fix is None

    def test_no_title_no_fix(self) -> None:
        assert marked("POL101", "create_engine(URL)\n", "create_engine(URL)", title="").fix is None


class TestProperties:
    @pytest.mark.parametrize(
        ("head", "proposed"),
        [
            ("x = 1\n    @property", True),
            ("x = 1\n    @builtins.property", True),
            ("__slots__ = ('a',)\n    @property", False),
            ("x = 1\n    @own_property", False),
        ],
    )
    def test_cached_property_needs_a_plain_property_and_no_slots(self, head: str, proposed: bool) -> None:
        text = f"class Repo:\n    {head}\n    def engine(self):\n        return create_engine(URL)\n"
        fix = marked("POL104", text, "create_engine(URL)").fix
        assert fix is not None
        assert (fix.title == "Mend it") is proposed
        assert (fix.applicability is Applicability.UNSAFE) is proposed

    def test_a_setter_of_the_property_rules_it_out(self) -> None:
        text = (
            "class Repo:\n    @property\n    def engine(self):\n        return create_engine(URL)\n"
            "    @engine.setter\n    def engine(self, value):\n        pass\n"
        )
        fix = marked("POL104", text, "create_engine(URL)").fix
        assert fix is not None
        assert fix.applicability is Applicability.DISPLAY


class TestValueCaches:
    @pytest.mark.parametrize(
        ("decorator", "applicability"),
        [
            ("@st.cache_data", Applicability.SAFE),
            ("@st.cache_data(ttl=60)", Applicability.SAFE),
            ("@cache_data()", Applicability.SAFE),
            ("@st.cache_data(persist='disk')", Applicability.DISPLAY),
            ("@alias", Applicability.DISPLAY),
        ],
    )
    def test_the_decorator_decides(self, decorator: str, applicability: Applicability) -> None:
        text = f"{decorator}\ndef f():\n    return create_engine(URL)\n"
        fix = marked("POL112", text, "create_engine(URL)", applicability="safe").fix
        assert fix is not None
        assert fix.applicability is applicability


class TestDisposals:
    @pytest.mark.parametrize(
        ("body", "applicability"),
        [
            ("work()\n    engine.dispose()", Applicability.SAFE),
            ("engine.dispose()\n    work()", Applicability.DISPLAY),
            ("work(); engine.dispose()", Applicability.DISPLAY),
            ("if work():\n        engine.dispose()", Applicability.DISPLAY),
            ("work()\n    return engine.dispose()", Applicability.DISPLAY),
        ],
    )
    def test_only_the_last_statement_is_deleted_safely(self, body: str, applicability: Applicability) -> None:
        fix = marked("POL117", f"def view():\n    {body}\n", "engine.dispose()", applicability="safe").fix
        assert fix is not None
        assert fix.applicability is applicability


class TestParsing:
    TEXT = """
        def create_app():
            app = Flask()
        {views}
            return app

        def other():
            return create_engine(0)
        """

    @pytest.fixture
    def parsed(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The texts that libcst parses."""
        texts: list[str] = []
        parse = chunks.Chunk.parse
        monkeypatch.setattr(chunks.Chunk, "parse", lambda chunk: (texts.append(chunk.text), parse(chunk))[1])
        return texts

    def test_the_verdicts_of_one_function_share_its_tree(self, parsed: list[str]) -> None:
        views = "".join(f"    def v{n}(): return (create_engine({n}))\n" for n in range(1, 9))
        text = textwrap.dedent(self.TEXT).format(views=views)
        source, trees = SourceFile("/project/app.py", text.encode()), LatestTree()
        for code in ("POL101", "POL107"):
            for number in range(1, 9):
                span = _span(source, f"create_engine({number})")
                assert mark(verdict_at(code, span), source, trees).text == f"create_engine({number})"
        assert len(parsed) == 1
        mark(verdict_at("POL101", _span(source, "create_engine(0)")), source, trees)
        assert len(parsed) == 2

    def test_a_chunk_that_libcst_cannot_parse_is_tried_once(self, parsed: list[str]) -> None:
        source, trees = SourceFile("/project/app.py", b"def f(:\n"), LatestTree()
        for _ in range(3):
            mark(verdict_at("POL101", Span(source.path, 1, 0, 1, 4)), source, trees)
        assert len(parsed) == 1

    def test_equal_places_of_two_files_are_kept_apart(self) -> None:
        trees = LatestTree()
        for text in ("def f(): return create_engine(1)\n", "def f(): return create_engine(2)\n"):
            source = SourceFile("/project/app.py", text.encode())
            span = _span(source, text.split("return ")[1].strip())
            assert mark(verdict_at("POL101", span), source, trees).text == source.text_of(
                source.location(span.line, span.column, span.end_line, span.end_column)
            )
