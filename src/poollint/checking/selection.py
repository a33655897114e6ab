"""Which rules run, which of their verdicts are shown, and which one speaks for a site. Pure.

A selector is a code or a prefix of codes ("POL1"), or "ALL". The longest selector that fits a code decides, as in
flake8 and ruff; between selectors of one length, leaving out wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALL = "ALL"
ALWAYS = ("POL900", "POL901")
"""poollint could not judge something: told whatever was selected, unless it is ignored by name."""


class RuleRow(NamedTuple):
    """What selection needs of a rule; kept in the result cache, so that a warm run imports no rule."""

    code: str
    default: bool
    family: str
    """One verdict of a family speaks for a site; "" competes with nothing."""


class Judged(Protocol):
    """What selection reads of a verdict."""

    @property
    def code(self) -> str: ...
    @property
    def site(self) -> Sequence[str | int]: ...
    @property
    def severity(self) -> str: ...
    @property
    def confidence(self) -> str: ...


AnyJudged = TypeVar("AnyJudged", bound=Judged)


class UnknownSelector(ValueError):
    """A selector that fits no rule."""

    def __init__(self, selector: str, nearest: str | None) -> None:
        self.selector = selector
        hint = f"; the nearest one is {nearest}" if nearest else ""
        super().__init__(f"no rule is called {selector}{hint} (poollint rule --all lists them)")


class Selection(NamedTuple):
    """The outcome: `enabled` codes run, `named` ones also show informational and low-confidence verdicts."""

    rules: tuple[RuleRow, ...]
    enabled: frozenset[str]
    named: frozenset[str]

    def shows(self, verdict: Judged) -> bool:
        """Whether a verdict of an enabled rule is shown, or only counted as hidden."""
        return verdict.code in self.named or is_loud(verdict)


def is_loud(verdict: Judged) -> bool:
    """Whether a verdict is shown at default settings: warning or error, with high or medium confidence."""
    return verdict.severity != "info" and verdict.confidence != "low"


def choose(
    rules: Sequence[RuleRow], select: Sequence[str], ignore: Sequence[str], extend_select: Sequence[str]
) -> Selection:
    """The selection that the settings ask for; an empty `select` is every rule that is on by default.

    Raises `UnknownSelector` for a selector that fits no rule.
    """
    chosen, added, dropped = normalised(select), normalised(extend_select), normalised(ignore)
    known = [rule.code for rule in rules]
    for selector in (*chosen, *added, *dropped):
        require_known(selector, known)
    enabled, named = set(), set()
    for rule in rules:
        kept = longest((*chosen, *added), rule.code)
        left_out = longest(dropped, rule.code)
        is_named = kept >= 0 and kept > left_out
        on_by_default = (not chosen and rule.default) or rule.code in ALWAYS
        if is_named:
            named.add(rule.code)
        if is_named or (on_by_default and left_out < 0):
            enabled.add(rule.code)
    return Selection(tuple(rules), frozenset(enabled), frozenset(named))


def normalised(selectors: Iterable[str]) -> tuple[str, ...]:
    """Upper case, white space stripped, empty ones dropped."""
    return tuple(filter(None, (selector.strip().upper() for selector in selectors)))


def longest(selectors: Iterable[str], code: str) -> int:
    """The length of the longest selector that fits `code`; 0 for ALL, -1 for none."""
    return max((fit(selector, code) for selector in selectors), default=-1)


def fit(selector: str, code: str) -> int:
    """How specific `selector` is for `code`: its length, 0 for ALL, -1 when it does not fit."""
    if selector == ALL:
        return 0
    return len(selector) if code.startswith(selector) else -1


def require_known(selector: str, codes: Sequence[str]) -> None:
    """Raises `UnknownSelector` unless `selector` fits one of `codes`."""
    if longest((selector,), selector) != 0 and not any(code.startswith(selector) for code in codes):
        raise UnknownSelector(selector, nearest(selector, codes))


def nearest(selector: str, codes: Sequence[str]) -> str | None:
    """The code that begins most like `selector`, then has most characters in place; None when all look different."""

    def alike(code: str) -> int:
        return sum(one == other for one, other in zip(selector, code, strict=False))

    def likeness(code: str) -> tuple[int, int]:
        beginning = next((at for at, pair in enumerate(zip(selector, code, strict=False)) if pair[0] != pair[1]), 0)
        return (beginning, alike(code))

    best = max(sorted(codes), key=likeness, default=None)
    return best if best is not None and alike(best) > len("POL") else None


class Outcome(NamedTuple):
    """Verdicts after selection, as indexes: to be shown, and left out only because they are informational."""

    shown: tuple[int, ...]
    hidden: tuple[int, ...]


def decide(verdicts: Sequence[Judged], selection: Selection) -> Outcome:
    """One verdict for each site among competing rules; the order of `selection.rules` is their precedence.

    A loud verdict goes before one that is not: a remark at a site must not silence a warning, and what a user sees at
    default settings is part of what `--select ALL` shows.
    """
    rank = {rule.code: position for position, rule in enumerate(selection.rules)}
    families = {rule.code: rule.family for rule in selection.rules}
    best: dict[tuple[object, ...], tuple[bool, int, int]] = {}
    for index, verdict in enumerate(verdicts):
        if verdict.code not in selection.enabled:
            continue
        family = families[verdict.code]
        place = (family, *verdict.site) if family else (index,)
        weight = (not is_loud(verdict), rank[verdict.code], index)
        best[place] = min(weight, best.get(place, weight))
    kept = sorted(index for _, _, index in best.values())
    return Outcome(
        shown=tuple(index for index in kept if selection.shows(verdicts[index])),
        hidden=tuple(index for index in kept if not selection.shows(verdicts[index])),
    )
