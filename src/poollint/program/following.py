"""What happens to a target where it stands: it is called, passed, stored, returned, or it decorates something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from poollint.facts import model
from poollint.program import spans, words
from poollint.program.expressions import texts_given
from poollint.program.graph import Construct, Node, Run, Source
from poollint.program.loops import goes_over, repeating_loop
from poollint.program.references import Position, Role
from poollint.program.registrations import Registration
from poollint.program.stores import ModuleVariable, Variable
from poollint.program.trail import Frame
from poollint.program.values import BoundMethod, ClassValue, External, Function, Instance, Partial, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.guards import Guards
    from poollint.program.mentions import Mentions
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.registrations import Registrations
    from poollint.program.sites import Times
    from poollint.program.stores import Store, Stores
    from poollint.program.trail import Trail

MOST_HOPS = 6
_COPY_NAMES = frozenset({"functools.wraps", "functools.update_wrapper"})
"""They copy the name of what they are given on to something else; they neither run nor keep it."""
_PARTIALS = frozenset({"functools.partial", "functools.partialmethod"})
_PUTTING = frozenset({"append", "add", "insert", "appendleft", "setdefault", "put", "extend"})
_TAKING = frozenset({"get", "values", "items", "pop", "copy", "popleft"})


class Argument(Struct, frozen=True):
    """A position or keyword of a call (`call` is -1: what a decorator is given)."""

    slot: int | str
    path: str
    call: int

    def behind(self, taken: int) -> Argument:
        """The same argument where that many positional ones are given first."""
        return replace(self, slot=self.slot + taken) if isinstance(self.slot, int) else self


class Following:
    """Follows targets and adds the sources that it meets to their trails."""

    def __init__(
        self,
        resolver: Resolver,
        guards: Guards,
        registrations: Registrations,
        places: Places,
        mentions: Mentions,
        stores: Stores,
    ) -> None:
        self._resolver = resolver
        self._guards = guards
        self._registrations = registrations
        self._places = places
        self._mentions = mentions
        self._stores = stores

    def follow(self, path: str, position: Position, trail: Trail) -> None:
        """Find what runs the target because of this position. Positions in tests are passed over."""
        if self._places.is_test(path):
            return
        key = (path, position.role, position.scope, position.block, position.index, position.slot)
        if trail.hops >= MOST_HOPS or not trail.first(key):
            return
        trail.hops += 1
        try:
            self._in_role(path, position, trail)
        finally:
            trail.hops -= 1

    def _in_role(self, path: str, position: Position, trail: Trail) -> None:
        role = position.role
        if role is Role.CALLEE:
            name = position.whole.id if isinstance(position.whole, model.Name) else ""
            self.run(path, position, trail, trail.item or name)
        elif role is Role.ARGUMENT:
            self._argument(path, position, trail)
        elif role in (Role.ASSIGNED, Role.ITERATED, Role.ENTERED):
            self._assigned(path, position, trail)
        elif role in (Role.RETURNED, Role.YIELDED):
            self._returned(path, position, trail)
        elif role is Role.DECORATOR:
            self._decorates(path, position, trail)
        elif role is Role.DEFAULT:
            self._put((Variable(path, position.index, str(position.slot)),), trail)
        elif role is Role.READ and isinstance(position.whole, model.Attr):
            self._attribute_read(path, position, trail)

    def read(self, path: str, position: Position, trail: Trail) -> None:
        """The target is a property that is read here."""
        if not self._places.is_test(path) and trail.first(
            (path, "read", position.scope, position.line, position.column)
        ):
            self.run(path, position, trail)

    def run(self, path: str, position: Position, trail: Trail, item: str = "") -> None:
        """The target runs here: a source, its caller the enclosing function. `item` is the variable it is called by."""
        facts = self._resolver.facts(path)
        scope = facts.scopes[position.scope]
        call = position.index if position.role is Role.CALLEE else -1
        loop = repeating_loop(facts, scope, position.block, call, item)
        if trail.decorating and loop is None:
            return
        text = f"{words.scope(scope)} calls {words.target(self._resolver, trail.target)}()"
        loop_span = None
        if loop is not None:
            loop_span = spans.of_line(path, scope.blocks[loop].line)
            text += f", in the loop at line {loop_span.line}"
        cap, per, without = self._cap(path, position)
        if not without and len(trail.keys) == 1:
            without = f"={next(iter(trail.keys))}"
        caller: Node = Run(path, position.scope, without)
        span = spans.of(path, position)
        dispatches = goes_over(scope, position.block, item)
        trail.sources.append(
            Source(span, text, caller, loop=loop_span, cap=cap, per=per, virtual=trail.virtual, dispatches=dispatches)
        )
        self._registrations.of_result(path, position, trail.sources, self._mentions.references(path))

    def _cap(self, path: str, position: Position) -> tuple[Times | None, Node | None, str]:
        """What a guard around the place makes of its frequency: a ceiling, that of making the owner, or that of the
        calls which leave a parameter out."""
        if position.role is Role.CALLEE:
            guard = self._guards.of_call(path, position.index)
        else:
            guard = self._guards.at(path, position.scope, position.block, max(position.index, 0))
        if guard is None or guard.dead:
            return None, None, ""
        if guard.parameter:
            return None, None, guard.target
        if guard.owner is not None:
            return None, Construct(guard.owner.path, guard.owner.scope), ""
        return guard.times, None, ""

    # ---------------------------------------------------------------------------------------------- arguments
    def _argument(self, path: str, position: Position, trail: Trail) -> None:
        call = self._resolver.call(path, position.index)
        callees = self._resolver.values(path, position.scope, call.func)
        registration = Registration(path, position, call, spans.of(path, position))
        trail.keys |= texts_given(call)
        if self._registrations.of_argument(registration, callees, trail.target, trail.sources):
            return
        for value in callees:
            if not isinstance(value, External):
                self.give(value, Argument(position.slot, path, position.index), trail)
            elif self._gives_it_back(value.fqn):
                self._result(path, position.index, trail)
        if isinstance(call.func, model.Attr) and call.func.attr in _PUTTING:
            self._put(self._stores.of_place(path, position.scope, call.func.value), trail)

    def give(self, value: Value, argument: Argument, trail: Trail) -> None:
        """The target is an argument of a call of `value`, which is something of the program."""
        if isinstance(value, Function):
            self._enter(Frame(value, argument.path, argument.call), argument.slot, trail)
        elif isinstance(value, BoundMethod):
            self.give(value.function, argument.behind(1), trail)
        elif isinstance(value, Partial):
            self.give(value.function, argument.behind(value.taken), trail)
        elif isinstance(value, ClassValue):
            self._put(self._stores.of_constructor_argument(value, argument.slot), trail)
        elif isinstance(value, Instance):
            for method in self._resolver.attribute(value, "__call__"):
                self.give(method, argument, trail)

    def _gives_it_back(self, fqn: str) -> bool:
        """The library function returns something that runs what it is given: a partial, a memoiser, a plain wrapper."""
        if fqn in _PARTIALS:
            return True
        library = self._resolver.library
        return fqn not in _COPY_NAMES and (library.memoizer(fqn) is not None or library.is_transparent(fqn))

    def _enter(self, frame: Frame, slot: int | str, trail: Trail) -> None:
        """Follow the target into a function that is given it as an argument."""
        trail.frames.append(frame)
        self._put(self._stores.of_parameter(frame.function, slot), trail)
        trail.frames.pop()

    # ---------------------------------------------------------------------------------------------- stores
    def _put(self, stores: Iterable[Store], trail: Trail) -> None:
        """The target is now in these stores: follow it from wherever they are read."""
        for store in stores:
            if trail.first(store):
                decorating = trail.decorating
                trail.decorating = decorating and not _is_registry(store, trail)
                for path, position in self._stores.uses(store):
                    self.follow(path, position, trail)
                trail.decorating = decorating

    def _assigned(self, path: str, position: Position, trail: Trail) -> None:
        scope = self._resolver.scope(path, position.scope)
        if position.index < 0:
            target = scope.blocks[-position.index - 1].target
            self._put(self._stores.of_target(path, position.scope, target), trail)
            return
        op = scope.ops[position.index]
        self._put(self._stores.of_target(path, position.scope, op.target), trail)
        self._registrations.of_assignment(path, position, op, trail.target, trail.sources)

    def _attribute_read(self, path: str, position: Position, trail: Trail) -> None:
        """`handlers.get(key)` or `handlers.values()`: the result of the call is the target again."""
        if isinstance(position.whole, model.Attr) and position.whole.attr in _TAKING:
            facts = self._resolver.facts(path)
            for index in facts.scopes[position.scope].calls:
                if facts.calls[index].func is position.whole:
                    self._result(path, index, trail)

    # ---------------------------------------------------------------------------------------------- results
    def _returned(self, path: str, position: Position, trail: Trail) -> None:
        """A function returns the target: so do its calls; where it decorates, the decorated name is the target."""
        giver = Function(path, position.scope)
        if self._resolver.scope(path, position.scope).kind == "lambda":
            self._returned_by_lambda(giver, trail)
            return
        for frame in trail.frames:
            if frame.function == giver:
                # What was passed in comes back to the call that passed it, not to every caller.
                if frame.call >= 0:
                    self._result(frame.path, frame.call, trail)
                return
        if trail.first(("giver", giver)):
            self._given_to_callers(giver, trail)

    def _returned_by_lambda(self, giver: Function, trail: Trail) -> None:
        references = self._mentions.references(giver.path)
        position = references.function(giver.scope) if references is not None else None
        if position is not None and position.role is Role.ARGUMENT and isinstance(trail.target, ClassValue):
            self.follow(giver.path, position, trail)

    def _given_to_callers(self, giver: Function, trail: Trail) -> None:
        scope = self._resolver.scope(giver.path, giver.scope)
        nested = scope.parent > 0 and self._resolver.defining_class(giver.path, giver.scope) is None
        for path in [giver.path] if nested else self._mentions.files(giver.path, scope.name):
            for reference in self._mentions.of(path, scope.name):
                if not self._mentions.is_function(path, reference, giver):
                    continue
                position = reference.position
                if position.role is Role.CALLEE:
                    self._result(path, position.index, trail)
                elif position.role is Role.DECORATOR:
                    self._decorated_name(path, position.index, trail)
                elif position.role is Role.RETURNED:
                    self.follow(path, position, trail)

    def _result(self, path: str, index: int, trail: Trail) -> None:
        """The target is what this call gives: follow it from where the call stands."""
        references = self._mentions.references(path)
        position = references.call(index) if references is not None else None
        if position is None:
            return
        if position.role is Role.DECORATOR:
            self._decorated_name(path, position.index, trail)
        else:
            self.follow(path, position, trail)

    def _decorated_name(self, path: str, scope_index: int, trail: Trail) -> None:
        """The target stands in the place of a decorated function: its callers are the target's callers."""
        scope = self._resolver.scope(path, scope_index)
        if scope.kind != "function" or not trail.first(("decorated", path, scope_index)):
            return
        text = f"{words.target(self._resolver, trail.target)}() runs in the place of {scope.name}(), which it wraps"
        if Run(path, scope_index) != trail.node:
            trail.sources.append(Source(spans.of_definition(path, scope), text, Run(path, scope_index), is_call=False))

    def _decorates(self, path: str, position: Position, trail: Trail) -> None:
        """The target is used as a decorator: it runs once for each definition."""
        scope = self._resolver.scope(path, position.index)
        text = f"{words.target(self._resolver, trail.target)}() decorates {scope.name}"
        trail.sources.append(Source(spans.of(path, position), text, Run(path, position.scope)))


def _is_registry(store: Store, trail: Trail) -> bool:
    """What a decorator puts there is called by others than the wrapper that it gives back."""
    if isinstance(store, Variable):
        # A variable of a function around the decorator outlives its call.
        return bool(trail.frames) and store.scope < trail.frames[-1].function.scope
    return isinstance(store, ModuleVariable) or store.cls != trail.keeper
