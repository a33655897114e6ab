"""What a call gives to a parameter of the function that it runs: a value, nothing, or a parameter of its own."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import assignments, is_falsy
from poollint.program.flags import is_on
from poollint.program.keywords import Keywords
from poollint.program.values import Partial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poollint.program.names import Resolver


class Given(Enum):
    """NOTHING: the default, or a literal that says the same. UNKNOWN: what is unpacked there is not spelled out."""

    NOTHING = 0
    SOMETHING = 1
    UNKNOWN = 2


class PassedOn(Struct, frozen=True):
    """The call passes on a parameter of the function that it stands in."""

    name: str


Answer: TypeAlias = Given | PassedOn


class Wanted(Struct, frozen=True):
    """A parameter: its name, and its position as a caller counts (-1: keyword only).

    `off_by_default`: False for a flag that is on unless a caller switches it off.
    """

    name: str
    slot: int
    off_by_default: bool = True

    def is_default(self, expr: model.Expr | None) -> bool:
        """The literal says the same as leaving the parameter out."""
        return is_falsy(expr) if self.off_by_default else is_on(expr)

    def after(self, taken: int) -> Wanted:
        """The same parameter where that many arguments in front are given already."""
        return Wanted(self.name, self.slot - taken, self.off_by_default)


class Giving:
    """Reads the arguments of calls."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._keywords = Keywords(resolver)

    def by_call(self, path: str, index: int, wanted: Wanted) -> Answer:
        """What the call gives to the parameter, by a partial that it calls or by itself."""
        call = self._resolver.call(path, index)
        for value in self._resolver.values(path, call.scope, call.func):
            if isinstance(value, Partial):
                bound = self.by_partial(value, wanted)
                if bound is not Given.NOTHING:
                    return bound
                wanted = wanted.after(value.taken)
        return self.among(path, call.scope, call.args, call.keywords, wanted)

    def by_partial(self, partial: Partial, wanted: Wanted) -> Given:
        """What `functools.partial(function, ...)` has bound to the parameter."""
        call = self._resolver.call(partial.path, partial.call)
        bound = self.among(partial.path, call.scope, call.args[1:], call.keywords, wanted)
        if isinstance(bound, PassedOn):
            return Given.UNKNOWN
        if bound is Given.NOTHING and isinstance(partial.function, Partial):
            return self.by_partial(partial.function, wanted)
        return bound

    def among(
        self,
        path: str,
        scope: int,
        positional: list[model.Expr],
        keywords: list[tuple[str | None, model.Expr]],
        wanted: Wanted,
    ) -> Answer:
        """What these arguments give to the parameter."""
        by_name, unknown = self._keywords.of(path, scope, keywords)
        if wanted.name in by_name:
            return self._value(path, scope, by_name[wanted.name], wanted)
        for position, argument in enumerate(positional[: wanted.slot + 1]):
            if isinstance(argument, model.Star):
                return Given.UNKNOWN
            if position == wanted.slot:
                return self._value(path, scope, argument, wanted)
        return Given.UNKNOWN if unknown else Given.NOTHING

    def _value(self, path: str, scope: int, expr: model.Expr, wanted: Wanted) -> Answer:
        if wanted.is_default(expr):
            return Given.NOTHING
        facts = self._resolver.scope(path, scope)
        if isinstance(expr, model.Name) and not any(assignments(facts, expr.id)):
            for parameter in facts.parameters:
                if parameter.name == expr.id and parameter.kind in ("positional", "keyword"):
                    if parameter.default is None or wanted.is_default(parameter.default):
                        return PassedOn(expr.id)
        return Given.SOMETHING

    # ---------------------------------------------------------------------------------------------- registrations
    def by_registration(self, path: str, index: int, is_target: Callable[[model.Expr], bool], wanted: Wanted) -> Answer:
        """What a library is told to call the function with.

        `submit(f, url, engine)`, `Thread(target=f, args=(url, engine))`, `add_job(f, kwargs={"engine": engine})`.
        """
        call = self._resolver.call(path, index)
        for positional, keywords in self._told(path, call, is_target):
            found = self.among(path, call.scope, positional, keywords, wanted)
            if found is not Given.NOTHING:
                return found
        for argument in (*call.args, *(value for _, value in call.keywords)):
            for value in self._resolver.values(path, call.scope, argument) if is_target(argument) else ():
                if isinstance(value, Partial):
                    return self.by_partial(value, wanted)
        return Given.NOTHING

    def _told(
        self, path: str, call: model.Call, is_target: Callable[[model.Expr], bool]
    ) -> Iterator[tuple[list[model.Expr], list[tuple[str | None, model.Expr]]]]:
        """The arguments that follow the function, and those in `args=` and `kwargs=`."""
        for position, argument in enumerate(call.args):
            if is_target(argument):
                yield call.args[position + 1 :], call.keywords
                break
        for name, value in call.keywords:
            if name == "args":
                yield (value.items if isinstance(value, model.Items) else [model.Star(value)]), []
            elif name == "kwargs":
                yield [], [(None, value)]
