"""The facts of one file, by example: positions, blocks, exits, scopes; and that no content makes the walk fail."""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poollint.facts import expressions, model
from poollint.facts.extract import extract

LIBRARY = Path(ast.__file__).parent
SOURCES = ("argparse.py", "ast.py", "asyncio/base_events.py", "contextlib.py", "dataclasses.py", "typing.py")


def facts_of(text: str) -> model.ModuleFacts:
    found = extract(textwrap.dedent(text).encode())
    assert isinstance(found, model.ModuleFacts), found
    return found


def body_of(text: str) -> model.Scope:
    """The scope of the only function."""
    return facts_of(text).scopes[1]


def blocks(scope: model.Scope) -> list[tuple[str, int, str]]:
    """(kind, parent, exit) of each block but the body."""
    return [(block.kind, block.parent, block.exit) for block in scope.blocks[1:]]


# -------------------------------------------------------------------------------------------------- positions
def test_calls_keep_their_place_in_bytes() -> None:
    facts = facts_of("x = 'é'; y = f(\n    1,\n)\n")
    call = facts.calls[0]
    assert (call.line, call.column, call.end_line, call.end_column) == (1, 14, 3, 1)


def test_calls_in_calls_know_the_outer_one() -> None:
    facts = facts_of("a(b(), k=c())(d().e())")
    by_name = {getattr(call.func, "id", getattr(call.func, "attr", "")): call for call in facts.calls}
    numbers = {name: facts.calls.index(call) for name, call in by_name.items()}
    assert (by_name["b"].outer, by_name["b"].role) == (numbers["a"], "arg")
    assert (by_name["c"].outer, by_name["c"].role) == (numbers["a"], "arg")
    assert by_name["d"].outer == numbers["e"]
    assert by_name["d"].role == "func"
    assert by_name["a"].role == "func"


def test_scopes_start_at_their_first_decorator() -> None:
    scope = body_of("@a\n@b()\ndef f():\n    return 1\n")
    assert (scope.first_line, scope.line, scope.end_line) == (1, 3, 4)
    assert [decorator.line for decorator in scope.decorators] == [1, 2]


def test_qualified_names_are_those_of_python() -> None:
    facts = facts_of(
        "class A:\n    def f(self):\n        def g(): ...\n        class B:\n            def h(self): ...\n"
    )
    assert [scope.qualname for scope in facts.scopes] == [
        "",
        "A",
        "A.f",
        "A.f.<locals>.g",
        "A.f.<locals>.B",
        "A.f.<locals>.B.h",
    ]


# -------------------------------------------------------------------------------------------------- blocks
def test_branches_share_a_group_and_keep_their_test() -> None:
    scope = body_of("""
        def f(a):
            if a:
                return 1
            elif a.b:
                raise a
            else:
                pass
    """)
    assert blocks(scope) == [("if", 0, "return"), ("else", 0, ""), ("if", 2, "raise"), ("else", 2, "")]
    assert [block.group for block in scope.blocks[1:]] == [1, 1, 3, 3]
    assert scope.blocks[2].test == model.Name("a")
    assert scope.blocks[4].test == model.Attr(model.Name("a"), "b")


def test_all_parts_of_a_try_share_a_group() -> None:
    text = """
        def f():
            try:
                g()
            except (A, B) as error:
                raise
            else:
                return
            finally:
                h()
    """
    scope = body_of(text)
    assert blocks(scope) == [("try", 0, ""), ("except", 0, "raise"), ("try-else", 0, "return"), ("finally", 0, "")]
    assert {block.group for block in scope.blocks[1:]} == {1}
    assert scope.blocks[2].target == model.Name("error")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* is newer")
def test_exception_groups_are_caught_like_exceptions() -> None:
    scope = body_of("def f():\n    try:\n        g()\n    except* A:\n        pass\n")
    assert blocks(scope) == [("try", 0, ""), ("except", 0, "")]


def test_loops_and_how_they_are_left() -> None:
    text = """
        def f(rows):
            for row in rows:
                break
            else:
                return
            while rows:
                continue
    """
    scope = body_of(text)
    assert blocks(scope) == [("for", 0, "break"), ("loop-else", 0, "return"), ("while", 0, "continue")]
    assert scope.blocks[1].test == model.Name("rows")
    assert scope.blocks[1].target == model.Name("row")


def test_a_with_of_two_is_two_blocks() -> None:
    scope = body_of("def f():\n    with a() as b, c() as d:\n        return b\n")
    assert blocks(scope) == [("with", 0, ""), ("with", 1, "return")]
    assert [op.target for op in scope.ops if op.kind == "with"] == [model.Name("b"), model.Name("d")]


def test_cases_share_their_subject() -> None:
    scope = body_of(
        """
            def f(a):
                match a:
                    case [b, *_] if g(b):
                        return b
                    case _:
                        h()
        """
    )
    assert blocks(scope) == [("case", 0, "return"), ("case", 0, "")]
    assert {block.group for block in scope.blocks[1:]} == {1}
    assert [block.test for block in scope.blocks[1:]] == [model.Name("a")] * 2
    assert len(scope.calls) == 2


def test_elements_lie_in_the_block_of_their_comprehension() -> None:
    facts = facts_of("def f(rows):\n    return [g(row, cell) for row in rows() for cell in row if h(cell)]\n")
    scope = facts.scopes[1]
    assert blocks(scope) == [("comprehension", 0, ""), ("comprehension", 1, "")]
    placed = {getattr(facts.calls[index].func, "id", ""): facts.calls[index].block for index in scope.calls}
    assert placed == {"rows": 0, "h": 2, "g": 2}


def test_asynchronous_forms() -> None:
    text = """
        async def f():
            async with a() as b:
                async for c in d():
                    await e()
                    yield c
    """
    facts = facts_of(text)
    scope = facts.scopes[1]
    assert scope.is_async
    assert scope.is_generator
    assert [(block.kind, block.is_async) for block in scope.blocks[1:]] == [("with", True), ("for", True)]
    assert [getattr(call.func, "id", "") for call in facts.calls if call.awaited] == ["e"]


def test_operations_behind_a_block_come_after_its_first_one() -> None:
    scope = body_of("def f(a):\n    b = 1\n    if a:\n        c = 2\n    d = 3\n")
    assert scope.blocks[1].first_op == 1
    assert [op.block for op in scope.ops] == [0, 1, 0]


# -------------------------------------------------------------------------------------------------- the rest
def test_parameters_of_every_kind() -> None:
    scope = body_of("def f(a, /, b=1, *c, d, e=2, **g): ...\n")
    assert [(each.name, each.kind) for each in scope.parameters] == [
        ("a", "positional"),
        ("b", "positional"),
        ("c", "vararg"),
        ("d", "keyword"),
        ("e", "keyword"),
        ("g", "kwarg"),
    ]
    assert [each.name for each in scope.parameters if each.default is not None] == ["b", "e"]


def test_imports() -> None:
    facts = facts_of("import a.b\nimport c.d as e\nfrom f import g as h\nfrom ..i import *\n")
    assert [(each.name, each.module, each.attribute, each.level) for each in facts.scopes[0].imports] == [
        ("a", "a", "", 0),
        ("e", "c.d", "", 0),
        ("h", "f", "g", 0),
        ("*", "i", "*", 2),
    ]


@pytest.mark.parametrize(
    ("text", "exports"),
    [
        ("", None),
        ("__all__ = ['a', 'b']", ["a", "b"]),
        ("__all__ = ('a',)\n__all__ += ['b']", ["a", "b"]),
        ("__all__ = names()", None),
    ],
)
def test_exports(text: str, exports: list[str] | None) -> None:
    assert facts_of(text).exports == exports


def test_long_strings_are_cut() -> None:
    op = facts_of(f"a = {'x' * 1000!r}").scopes[0].ops[0]
    assert isinstance(op.value, model.Const)
    assert isinstance(op.value.value, str)
    assert len(op.value.value) == expressions.LONGEST_STRING


def test_facts_survive_the_cache() -> None:
    for name in SOURCES:
        facts = extract((LIBRARY / name).read_bytes())
        assert isinstance(facts, model.ModuleFacts)
        assert model.decoder.decode(model.encoder.encode(facts)) == facts


@pytest.mark.parametrize("name", SOURCES)
def test_every_call_of_a_file_is_in_one_scope(name: str) -> None:
    data = (LIBRARY / name).read_bytes()
    facts = extract(data)
    assert isinstance(facts, model.ModuleFacts)
    written = {(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset) for node in calls_in(data)}
    assert {(call.line, call.column, call.end_line, call.end_column) for call in facts.calls} == written
    placed = sorted(index for scope in facts.scopes for index in scope.calls)
    assert placed == list(range(len(facts.calls)))
    for number, scope in enumerate(facts.scopes):
        assert all(facts.scopes[child].parent == number for child in scope.children)
        assert all(facts.calls[index].scope == number for index in scope.calls)
        assert all(block.parent < index for index, block in enumerate(scope.blocks))
        assert all(0 <= op.block < len(scope.blocks) for op in scope.ops)


def calls_in(data: bytes) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(data)) if isinstance(node, ast.Call)]


# -------------------------------------------------------------------------------------------------- odd content
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"def f(:\n", "syntax"),
        (b"return = 1\n", "syntax"),
        (b"# coding: klingon\n", "syntax"),
        (b"a = '\xff'\n", "syntax"),
        (b"(" * 10_000, "syntax"),
        (b"-" * 50_000 + b"1", "depth"),
    ],
)
def test_what_cannot_be_parsed_has_a_reason(data: bytes, kind: str) -> None:
    found = extract(data)
    assert isinstance(found, model.SyntaxProblem)
    if kind == "depth":
        assert found.kind in ("depth", "syntax")  # Which of them depends on the Python version.
    else:
        assert found.kind == kind


def test_nul_bytes_are_no_failure() -> None:
    assert isinstance(extract(b"a = 1\0\n"), model.SyntaxProblem)


def test_encodings_and_byte_order_marks() -> None:
    assert facts_of("\ufeffa = 1\n").scopes[0].ops
    assert isinstance(extract("# coding: latin-1\na = 'é'\n".encode("latin-1")), model.ModuleFacts)


def test_an_empty_file_is_a_module() -> None:
    assert len(facts_of("").scopes) == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text("()[]{}:=,.'\"\\ \n\tdefiforclass1a@*", max_size=60).map(str.encode))
def test_no_content_raises(data: bytes) -> None:
    assert isinstance(extract(data), (model.ModuleFacts, model.SyntaxProblem))


# -------------------------------------------------------------------------------------------------- long code
def test_thousands_of_branches_are_no_recursion() -> None:
    branches = "".join(f"elif a == {number}:\n    f()\n" for number in range(1, 2_000))
    scope = facts_of(f"if a == 0:\n    f()\n{branches}else:\n    f()\n").scopes[0]
    assert sum(block.kind == "if" for block in scope.blocks) == 2_000
    assert len(scope.calls) == 2_001


@pytest.mark.parametrize("operator", ["+", "|", "and", "or"])
def test_thousands_of_terms_are_no_recursion(operator: str) -> None:
    facts = facts_of("x = " + f" {operator} ".join(["f()"] * 2_000))
    assert len(facts.calls) == 2_000
