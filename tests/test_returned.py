"""What functions return fresh, remembered for chains of them: the answer depends on the chain alone."""

from __future__ import annotations

import pytest

from poollint.library.loader import load_library
from poollint.program.lifetimes.returned import DEEPEST, Returned, ReturnedHandles
from poollint.program.lifetimes.states import Phase


class Chains:
    """Function n returns what the functions of `calls[n]` return; one of `makers` returns a session of its own."""

    def __init__(self, calls: dict[int, list[int]], makers: set[int]) -> None:
        library = load_library()
        maker = library.handle_maker("sqlalchemy.orm.Session")
        assert maker is not None
        handle = library.handle(maker.makes)
        assert handle is not None
        self.session = Returned(maker, handle, Phase.OPEN)
        self.calls = calls
        self.makers = makers
        self.known = ReturnedHandles()
        self.looked_at: list[int] = []

    def is_found(self, number: int) -> bool:
        return self.known.of(("a.py", number), lambda: self._compute(number)) is not None

    def _compute(self, number: int) -> Returned | None:
        self.looked_at.append(number)
        if number in self.makers:
            return self.session
        return self.session if any(self.is_found(each) for each in self.calls.get(number, ())) else None


def chain(length: int, makers: set[int]) -> Chains:
    return Chains({number: [number + 1] for number in range(length)}, makers)


@pytest.mark.parametrize(("away", "found"), [(0, True), (DEEPEST - 1, True), (DEEPEST, False)])
def test_a_chain_is_followed_through_so_many_functions(away: int, found: bool) -> None:
    assert chain(2 * DEEPEST, {away}).is_found(0) is found


def test_what_the_depth_cut_short_is_asked_again() -> None:
    chains = chain(2 * DEEPEST, {DEEPEST + 3})
    assert not chains.is_found(0)
    assert chains.is_found(4)
    assert not chains.is_found(0)


def test_whole_answers_are_remembered() -> None:
    chains = chain(5, {5})
    assert [chains.is_found(number) for number in (0, 3, 5, 0)] == [True] * 4
    assert chains.looked_at == [0, 1, 2, 3, 4, 5]


def test_branches_of_a_long_chain_are_looked_at_once() -> None:
    chains = Chains({number: [number + 1, number + 1] for number in range(100)}, {100})
    assert not chains.is_found(0)
    assert chains.looked_at == list(range(DEEPEST))


def test_a_cycle_has_an_end() -> None:
    chains = Chains({0: [1], 1: [0, 2]}, set())
    assert not chains.is_found(0)


def test_a_failure_leaves_nothing_half_done() -> None:
    chains = chain(2 * DEEPEST, {3})

    def fail() -> None:
        raise RecursionError

    with pytest.raises(RecursionError):
        chains.known.of(("a.py", 50), fail)
    assert chains.is_found(0)
