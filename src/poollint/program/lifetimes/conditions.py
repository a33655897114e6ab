"""What a path knows of the conditions it passed: `if own:` at the end goes the way that it went at the start.

A fact is a text and a truth value: ("own", True), ("session is None", False). Only tests of variables and attributes
are remembered, and only until something is assigned to them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from poollint.facts import model
from poollint.program.expressions import dotted

Facts: TypeAlias = frozenset[tuple[str, bool]]

NO_FACTS: Facts = frozenset()
_NONE_TESTS = {"is": True, "==": True, "is not": False, "!=": False}


def atom(test: model.Expr) -> tuple[str, bool] | None:
    """The fact that holds where a simple test does, or None for one that is not remembered."""
    if isinstance(test, model.Not):
        inner = atom(test.value)
        return (inner[0], not inner[1]) if inner is not None else None
    if isinstance(test, (model.Name, model.Attr)):
        text = dotted(test)
        return (text, True) if text else None
    if isinstance(test, model.Compare) and test.op in _NONE_TESTS and isinstance(test.right, model.Const):
        text = dotted(test.left)
        if not text or test.right.kind:
            return None
        if test.right.value is None:
            return (f"{text} is None", _NONE_TESTS[test.op])
        if isinstance(test.right.value, bool):
            return (text, _NONE_TESTS[test.op] is test.right.value)
        return (f"{text} == {test.right.value!r}", _NONE_TESTS[test.op])
    return None


def assumed(test: model.Expr, truth: bool, facts: Facts) -> Facts | None:
    """The facts of the paths on which `test` has that truth value; None when there is none."""
    if isinstance(test, model.Bool):
        # All parts of a true `and` (a false `or`) are known; of the other two it is not known which part decides.
        if (test.op == "and") is truth:
            found: Facts | None = facts
            for item in test.items:
                found = assumed(item, truth, found) if found is not None else None
            return found
        return facts if any(_possible(item, truth, facts) for item in test.items) else None
    if isinstance(test, model.Not):
        return assumed(test.value, not truth, facts)
    fact = atom(test)
    if fact is None:
        return facts
    text, value = fact
    wanted = value is truth
    if (text, not wanted) in facts:
        return None
    return _closed(facts | {(text, wanted)}, text, wanted)


def _possible(item: model.Expr, truth: bool, facts: Facts) -> bool:
    return assumed(item, truth, facts) is not None


def _closed(facts: Facts, text: str, value: bool) -> Facts | None:
    """The facts with what follows: a true value is not None, and None is not true."""
    name = text.removesuffix(" is None")
    implied: tuple[str, bool] | None = None
    if text != name and value:
        implied = (name, False)
    elif text == name and value and " == " not in text:
        implied = (f"{name} is None", False)
    if implied is None:
        return facts
    if (implied[0], not implied[1]) in facts:
        return None
    return facts | {implied}


@lru_cache(maxsize=10_000)
def without(facts: Facts, name: str) -> Facts:
    """The facts that an assignment to the dotted name leaves."""
    if not facts:
        return facts
    return frozenset(fact for fact in facts if not _speaks_of(fact[0], name))


def _speaks_of(text: str, name: str) -> bool:
    place = text.split(" ", 1)[0]
    return place == name or place.startswith(f"{name}.")


def given(facts: Facts, name: str, value: model.Expr | None) -> tuple[Facts, ...]:
    """The facts after `name = value`: of a constant its truth, of a test one set for each way it can go."""
    if isinstance(value, model.Const) and not value.kind:
        left = without(facts, name)
        truth = bool(value.value)
        return (left | {(name, truth), (f"{name} is None", value.value is None)},)
    if isinstance(value, (model.Compare, model.Not)):
        found = []
        for truth in (True, False):
            kept = assumed(value, truth, facts)
            if kept is not None:
                found.append(without(kept, name) | {(name, truth)})
        return tuple(found)
    return (without(facts, name),)
