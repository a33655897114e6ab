"""What a test asks for: a variable, an attribute, or a key of a container, in one form for all ways to write it."""

from __future__ import annotations

from msgspec import Struct

from poollint.facts import model
from poollint.program.expressions import text_of

GLOBALS = "globals()"
"""The name of the module's own namespace, taken for a container; no variable can have it."""


class Tested(Struct, frozen=True):
    """The variable, attribute or container under test, and the key looked up in it.

    `on`: it is not asked for something that is missing, but for a flag that is on: `if first_time:`. `typed`: it is
    there, but not of the class that it has once it is filled: `if not isinstance(FACTORY, sessionmaker):`.
    """

    place: model.Expr
    key: model.Expr | None = None
    on: bool = False
    typed: bool = False


def item_of(facts: model.ModuleFacts, container: model.Expr, key: model.Expr | None = None) -> Tested:
    """What `container[key]` is, written in the plainest way.

    `globals()[k]` is a key of the module's namespace; `o.__dict__["x"]` and `vars(o)["x"]` are `o.x`.
    """
    if isinstance(container, model.CallRef):
        call = facts.calls[container.index]
        name = call.func.id if isinstance(call.func, model.Name) else ""
        if name == "globals" and not call.args:
            return Tested(model.Name(GLOBALS), key)
        if name == "vars" and len(call.args) == 1:
            container = model.Attr(call.args[0], "__dict__")
    if isinstance(container, model.Attr) and container.attr == "__dict__" and key is not None and text_of(key):
        return Tested(model.Attr(container.value, text_of(key)))
    return Tested(container, key)


def attribute_of(facts: model.ModuleFacts, owner: model.Expr, name: model.Expr) -> Tested:
    """The attribute that `hasattr`, `getattr` and `setattr` speak of, also one whose name is computed."""
    return item_of(facts, model.Attr(owner, "__dict__"), name)


def same_key(one: model.Expr | None, other: model.Expr | None) -> bool:
    """The keys may be the same: only two different literals are known not to be."""
    if isinstance(one, model.Const) and isinstance(other, model.Const) and not one.kind and not other.kind:
        return one.value == other.value
    return True


def is_taken(taken: model.Expr | None, wanted: model.Expr | None) -> bool:
    """Taking this key out (None: whatever is there) certainly takes the wanted one."""
    if taken is None or taken == wanted:
        return True
    return wanted is None and isinstance(taken, model.Const) and type(taken.value) is int


def is_builtin_call(call: model.Call, name: str, arguments: int) -> bool:
    """A plain call of the builtin with at least so many positional arguments."""
    return isinstance(call.func, model.Name) and call.func.id == name and len(call.args) >= arguments
