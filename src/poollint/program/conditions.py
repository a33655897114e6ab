"""Callers that pass a parameter, or leave it out: a guard on a parameter makes only some of the calls count.

A caller that passes on a parameter of its own counts for those of its callers that leave that one out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.facts import model
from poollint.program import spans
from poollint.program.classes import CONSTRUCTORS
from poollint.program.expressions import texts_given
from poollint.program.given import Given, Giving, PassedOn, Wanted
from poollint.program.graph import Construct, Node, Run, Source
from poollint.program.mentions import function_of
from poollint.program.values import ClassValue, ExternalInstance, Function, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.program.given import Answer
    from poollint.program.names import Resolver
    from poollint.program.values import Value

_FROM_CLIENTS = frozenset({"request", "dependency"})
"""Kinds of entry points whose parameters a framework fills with what a client sent."""

_PREFIXES = ("+", "-", "~")
_NO_TEXTS = ("sqlalchemy.engine.", "sqlalchemy.ext.asyncio.", "sqlalchemy.orm.")


class Conditions:
    """Chooses among the sources of nodes that only some calls run (`node.without`)."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._giving = Giving(resolver)

    def sources_that_count(self, node: Node, sources: Iterable[Source]) -> tuple[Source, ...]:
        """Those of the node's sources that leave out the parameter `node.without`, pass it ("+name"), switch it off
        ("-name"), pass what may be a text ("~name"), or name a key ("=key") if they name any."""
        return tuple(found for source in sources for found in self._counting(node, source))

    def must_be_given(self, node: Node) -> bool:
        """No call can leave the parameter out: it has no default."""
        parameter = self._parameter(node)
        return parameter is not None and parameter.default is None and not node.without.startswith(_PREFIXES)

    # ---------------------------------------------------------------------------------------------- sources
    def _counting(self, node: Node, source: Source) -> Iterator[Source]:
        """The source as it counts: not at all, as it is, or only for some of the calls of its caller."""
        if node.without.startswith("="):
            yield from self._of_key(node, source)
            return
        if not source.is_call and isinstance(source.caller, Construct):
            yield from self._constructions(node, source, source.caller)
            return
        prefix = _prefix(node)
        if source.is_call:
            if prefix == "~" and self._is_no_text(source, node):
                return
            answer = self._given_at(source, node)
        elif prefix:
            # A library passes values of its own; it switches no flags, but clients do in their queries.
            if source.caller is None and (source.kind in _FROM_CLIENTS or not self._is_flag(node)):
                yield source
            return
        else:
            answer = self._told_at(source, node)
        if isinstance(answer, PassedOn):
            yield self._of_some_calls(source, f"{prefix}{answer.name}")
        elif prefix == "~" or answer is (Given.SOMETHING if prefix else Given.NOTHING):
            yield source

    def _of_key(self, node: Node, source: Source) -> Iterator[Source]:
        """What dispatches to the functions of one key: not the calls that name another one."""
        if source.dispatches:
            yield self._of_some_calls(source, node.without)
            return
        facts = self._resolver.project.facts(source.span.path) if source.is_call else None
        index = next(spans.calls_at(facts, source.span), None) if facts is not None else None
        named = texts_given(self._resolver.call(source.span.path, index)) if index is not None else ()
        if not named or node.without[1:] in named:
            yield source

    def _of_some_calls(self, source: Source, without: str) -> Source:
        caller = source.caller
        if not isinstance(caller, Run) or caller.without:
            return source
        return replace(source, caller=replace(caller, without=without))

    def _given_at(self, source: Source, node: Node) -> Answer:
        facts = self._resolver.project.facts(source.span.path)
        index = next(spans.calls_at(facts, source.span), None) if facts is not None else None
        if index is None:
            return Given.NOTHING
        return self._giving.by_call(source.span.path, index, self._wanted(node))

    def _is_no_text(self, source: Source, node: Node) -> bool:
        """The call passes an object of a class that is neither a text nor a URL."""
        facts = self._resolver.project.facts(source.span.path)
        index = next(spans.calls_at(facts, source.span), None) if facts is not None else None
        if index is None:
            return False
        call, wanted = self._resolver.call(source.span.path, index), self._wanted(node)
        given = dict(call.keywords).get(wanted.name)
        if given is None and 0 <= wanted.slot < len(call.args):
            given = call.args[wanted.slot]
        values = self._resolver.values(source.span.path, call.scope, given) if given is not None else ()
        return bool(values) and all(self._is_object(each) for each in values)

    def _is_object(self, value: Value) -> bool:
        if isinstance(value, Instance):
            return "builtins.str" not in self._resolver.classes.external_bases(value.cls)
        return (
            isinstance(value, ExternalInstance) and value.fqn.startswith(_NO_TEXTS) and not value.fqn.endswith(".URL")
        )

    def _told_at(self, source: Source, node: Node) -> Answer:
        """What a library is told to pass. What has no default, or one that is computed, it finds by itself."""
        parameter = self._parameter(node)
        if parameter is not None and not isinstance(parameter.default, (model.Const, model.Name, model.Attr)):
            return Given.UNKNOWN
        facts = self._resolver.project.facts(source.span.path)
        index = next(spans.calls_at(facts, source.span), None) if facts is not None else None
        if index is None:
            return Given.NOTHING
        path, scope = source.span.path, self._resolver.call(source.span.path, index).scope

        def is_target(expr: model.Expr) -> bool:
            values = self._resolver.values(path, scope, expr)
            return any(function_of(value) == Function(node.path, node.scope) for value in values)

        answer = self._giving.by_registration(path, index, is_target, self._wanted(node))
        return Given.UNKNOWN if isinstance(answer, PassedOn) else answer

    # ---------------------------------------------------------------------------------------------- constructors
    def _constructions(self, node: Node, source: Source, made: Construct) -> Iterator[Source]:
        """Making an object of a class runs its constructor, which may hand the parameter to that of a base."""
        own = self._resolver.classes.method(ClassValue(made.path, made.scope), "__init__")
        name = self._resolver.scope(node.path, node.scope).name
        answers = list(self._given_to_base(node, *own)) if own is not None and name in CONSTRUCTORS else []
        if not answers or own is None or (own[0].path, own[1]) == (node.path, node.scope):
            yield replace(source, caller=replace(made, without=node.without))
            return
        prefix = _prefix(node)
        for answer in answers:
            if isinstance(answer, PassedOn):
                yield replace(source, caller=replace(made, without=f"{prefix}{answer.name}"))
            elif prefix == "~" or answer is (Given.SOMETHING if prefix else Given.NOTHING):
                yield source

    def _given_to_base(self, node: Node, owner: ClassValue, scope_index: int) -> Iterator[Answer]:
        """What a constructor gives in `super().__init__(...)` or `Base.__init__(self, ...)`."""
        facts = self._resolver.facts(owner.path)
        for index in facts.scopes[scope_index].calls:
            call = facts.calls[index]
            if isinstance(call.func, model.Attr) and call.func.attr == "__init__":
                positional = call.args if isinstance(call.func.value, model.CallRef) else call.args[1:]
                yield self._giving.among(owner.path, call.scope, positional, call.keywords, self._wanted(node))

    # ---------------------------------------------------------------------------------------------- parameters
    def _wanted(self, node: Node) -> Wanted:
        name = node.without.lstrip("+-~")
        path, scope = self._function(node)
        positional = [each.name for each in self._parameters(path, scope) if each.kind == "positional"]
        taken = 1 if scope >= 0 and self._resolver.defining_class(path, scope) is not None else 0
        slot = positional.index(name) - taken if name in positional else -1
        return Wanted(name, slot, not node.without.startswith("-"))

    def _parameter(self, node: Node) -> model.Parameter | None:
        name = node.without.lstrip("+-~")
        return next((each for each in self._parameters(*self._function(node)) if each.name == name), None)

    def _parameters(self, path: str, scope: int) -> list[model.Parameter]:
        return self._resolver.scope(path, scope).parameters if scope >= 0 else []

    def _function(self, node: Node) -> tuple[str, int]:
        """The function whose parameter it is: the constructor of a class that is made."""
        if not isinstance(node, Construct):
            return node.path, node.scope
        method = self._resolver.classes.method(ClassValue(node.path, node.scope), "__init__")
        return (method[0].path, method[1]) if method is not None else (node.path, -1)

    def _is_flag(self, node: Node) -> bool:
        """The parameter is True, False or a container by default."""
        parameter = self._parameter(node)
        default = parameter.default if parameter is not None else None
        return not isinstance(default, model.Const) or isinstance(default.value, bool)


def _prefix(node: Node) -> str:
    return node.without[0] if node.without.startswith(_PREFIXES) else ""
