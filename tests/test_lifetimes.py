"""The walk over a function and what its paths know, on small functions; whole programs are in tests/fixtures."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poollint.facts import model
from poollint.facts.extract import extract
from poollint.facts.model import ModuleFacts
from poollint.program.lifetimes import conditions
from poollint.program.lifetimes.sequence import Sequence
from poollint.program.lifetimes.walk import Exit, Step, Walk

Trail = tuple[str, ...]


class Recorder:
    """A transfer function whose state is the names of the calls that were made; `fails()` and `boom()` can raise."""

    def __init__(self, facts: ModuleFacts) -> None:
        self._facts = facts

    def call(self, index: int, state: Trail) -> Step[Trail]:
        name = name_of(self._facts.calls[index].func)
        after = state if name in state else (*state, name)
        return Step((after,), (state,) if name in ("fails", "boom") else ())

    def operation(self, index: int, state: Trail) -> Step[Trail]:
        return Step((state,))

    def assume(self, test: model.Expr, truth: bool, state: Trail) -> tuple[Trail, ...]:
        return (state,)

    def leave(self, block: int, how: Exit, state: Trail) -> Trail:
        return (*state, f"left by {how.value}")

    def swallows(self, block: int) -> bool:
        return False

    def catches(self, block: int) -> bool:
        return self._facts.scopes[1].blocks[block].test is None

    def is_begun(self, state: Trail) -> bool:
        return True

    def narrowed(self, state: Trail) -> Trail:
        return state

    def widened(self, state: Trail) -> Trail:
        return state


def name_of(expr: model.Expr) -> str:
    return expr.id if isinstance(expr, model.Name) else ""


def facts_of(body: str) -> ModuleFacts:
    found = extract(f"def f():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n".encode())
    assert isinstance(found, ModuleFacts)
    return found


def exits(body: str) -> dict[str, set[str]]:
    """The trails of calls with which a function is left, by kind of exit."""
    facts = facts_of(body)
    outcome = Walk(Sequence(facts, facts.scopes[1]), Recorder(facts)).run(())
    return {how.value: {" ".join(state) for state in paths} for how, paths in outcome.exits.items() if paths}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a()\nb()", {"next": {"a b"}}),
        ("a(b())", {"next": {"b a"}}),
        ("if x:\n    a()\nelse:\n    b()\nc()", {"next": {"a c", "b c"}}),
        ("if x:\n    return a()\nb()", {"return": {"a"}, "next": {"b"}}),
        ("if test():\n    a()", {"next": {"test", "test a"}}),
        ("if x:\n    a()\nelif y:\n    b()", {"next": {"a", "b", ""}}),
        ("a()\nfails()\nb()", {"next": {"a fails b"}, "raise": {"a"}}),
        ("for i in x:\n    a()\nb()", {"next": {"b", "a b"}}),
        ("for i in x:\n    a()\n    break\nelse:\n    b()\nc()", {"next": {"a c", "b c"}}),
        ("for i in x:\n    if y:\n        continue\n    a()", {"next": {"", "a"}}),
        ("while True:\n    a()", {}),
        ("while True:\n    if a():\n        break\nb()", {"next": {"a b"}}),
        ("while test():\n    a()", {"next": {"test", "test a"}}),
        ("try:\n    fails()\nfinally:\n    a()", {"next": {"fails a"}, "raise": {"a"}}),
        ("try:\n    return fails()\nfinally:\n    a()", {"return": {"fails a"}, "raise": {"a"}}),
        ("try:\n    fails()\nexcept:\n    a()\nb()", {"next": {"fails b", "a b"}}),
        ("try:\n    fails()\nexcept KeyError:\n    a()", {"next": {"fails", "a"}, "raise": {""}}),
        ("try:\n    fails()\nexcept:\n    a()\n    raise", {"next": {"fails"}, "raise": {"a"}}),
        ("try:\n    a()\nexcept:\n    b()\nelse:\n    fails()", {"next": {"a fails"}, "raise": {"a"}}),
        ("with x:\n    a()\nb()", {"next": {"a left by next b"}}),
        ("with x:\n    fails()", {"next": {"fails left by next"}, "raise": {"left by raise"}}),
        ("with fails():\n    a()", {"next": {"fails a left by next"}, "raise": {""}}),
        ("with x:\n    return a()", {"return": {"a left by return"}}),
        (
            "match x:\n    case 1:\n        a()\n    case 2:\n        return b()\nc()",
            {"next": {"a c", "c"}, "return": {"b"}},
        ),
        ("raise a()", {"raise": {"a"}}),
    ],
)
def test_all_paths_are_walked(body: str, expected: dict[str, set[str]]) -> None:
    assert exits(body) == expected


def test_what_a_failing_clean_up_skips_counts_as_done() -> None:
    assert exits("try:\n    fails()\nfinally:\n    boom()\n    a()") == {
        "next": {"fails boom a"},
        "raise": {"boom a", "fails boom a"},
    }


def test_a_clean_up_that_raises_by_itself_stands() -> None:
    assert exits("try:\n    fails()\nexcept:\n    a()\n    raise\nelse:\n    b()") == {
        "next": {"fails b"},
        "raise": {"a"},
    }


def test_many_paths_are_joined() -> None:
    body = "\n".join(f"if x{number}:\n    a{number}()" for number in range(12))
    assert len(exits(body)["next"]) <= 4096  # states differ, so nothing can be joined; it ends all the same


def condition(text: str) -> model.Expr:
    test = facts_of(f"if {text}:\n    pass\n").scopes[1].blocks[1].test
    assert test is not None
    return test


@pytest.mark.parametrize(
    ("first", "second", "possible"),
    [
        ("own", "own", True),
        ("own", "not own", False),
        ("session is None", "session is not None", False),
        ("session is None", "session", False),
        ("session", "session is None", False),
        ("not session", "session is None", True),
        ("a and b", "not a", False),
        ("a or b", "not a", True),
        ("not (a or b)", "a", False),
        ("self.own", "not self.own", False),
        ("mode == 'w'", "mode != 'w'", False),
        ("mode == 'w'", "mode == 'r'", True),
        ("check()", "not check()", True),
        ("flag is True", "not flag", False),
    ],
)
def test_conditions_that_exclude_each_other(first: str, second: str, possible: bool) -> None:
    known = conditions.assumed(condition(first), True, conditions.NO_FACTS)
    assert known is not None
    assert (conditions.assumed(condition(second), True, known) is not None) is possible


def test_an_assignment_ends_what_is_known() -> None:
    known = conditions.assumed(condition("session.own"), True, conditions.NO_FACTS)
    assert known
    assert not conditions.without(known, "session")
    assert conditions.without(known, "session.own2") == known


def test_a_test_that_is_assigned_splits_the_paths() -> None:
    value = facts_of("own = session is None").scopes[1].ops[0].value
    both = conditions.given(conditions.NO_FACTS, "own", value)
    assert len(both) == 2
    for facts in both:
        own = ("own", True) in facts
        assert (conditions.assumed(condition("session is None"), own, facts)) is not None
        assert (conditions.assumed(condition("session is None"), not own, facts)) is None


CALLS = st.sampled_from(
    ["a()", "b()", "fails()", "return c()", "raise e()", "x = d(fails())", "pass", "break", "continue"]
)
COMPOUND = st.sampled_from(
    ["if x:", "for i in x:", "while y:", "while True:", "with z:", "try:|finally:", "try:|except:", "try:|except K:"]
)


@st.composite
def bodies(draw: st.DrawFn, depth: int = 3, in_loop: bool = False) -> list[str]:
    """Any function body."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            header, _, second = draw(COMPOUND).partition("|")
            inside = in_loop or header.startswith(("for", "while"))
            lines += [header, *indented(draw(bodies(depth - 1, inside)))]
            if second:
                lines += [second, *indented(draw(bodies(depth - 1, in_loop and second != "finally:")))]
        else:
            line = draw(CALLS)
            lines.append("pass" if line in ("break", "continue") and not in_loop else line)
    return lines


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@given(bodies())
@settings(deadline=None)
def test_every_body_has_a_fixpoint_and_loops_keep_their_exits(body: list[str]) -> None:
    found = exits("\n".join(body))
    assert set(found) <= {"next", "return", "raise"}
