"""What an expression may stand for: the values that names resolve to.

Values are small, hashable and immutable. A scope of the program is named by its file and its index in that file's
facts. A missing value is an empty tuple, never a guess.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class External(Struct, frozen=True):
    """A symbol that the program imports from elsewhere, by canonical dotted name (also a method of such a class)."""

    fqn: str


class ExternalInstance(Struct, frozen=True):
    """An object made by code outside of the program; `fqn` names its class (or the callable that made it).

    `makes`: the class of the program whose objects it makes, for `sessionmaker(class_=...)`.
    """

    fqn: str
    makes: ClassValue | None = None


class ModuleValue(Struct, frozen=True):
    """A module of the program."""

    path: str


class NamespaceValue(Struct, frozen=True):
    """A folder that is imported as a package without an `__init__.py`."""

    path: str


class Function(Struct, frozen=True):
    """A function, method or lambda of the program."""

    path: str
    scope: int


class BoundMethod(Struct, frozen=True):
    """A method looked up on an instance or class, whose first parameter is therefore taken."""

    function: Function
    owner: ClassValue


class ClassValue(Struct, frozen=True):
    """A class of the program."""

    path: str
    scope: int


class Instance(Struct, frozen=True):
    """An instance of a class of the program. `exact` is False for `self`, which may be an instance of a subclass."""

    path: str
    scope: int
    exact: bool = True

    @property
    def cls(self) -> ClassValue:
        """Its class."""
        return ClassValue(self.path, self.scope)


class Partial(Struct, frozen=True):
    """`functools.partial(function, ...)` with that many positional arguments taken, by a call of the file `path`."""

    function: Value
    taken: int
    path: str
    call: int


class Super(Struct, frozen=True):
    """`super()` in a method of this class: lookups start behind it in the order of the bases."""

    path: str
    scope: int


class Generated(Struct, frozen=True):
    """What calling a generator function gives: an iterator, or a context manager where it is decorated as one."""

    function: Function


class Container(Struct, frozen=True):
    """A tuple, list, set or dict; `items` are the values it may hold."""

    items: tuple[Value, ...]


Value: TypeAlias = (
    External
    | ExternalInstance
    | ModuleValue
    | NamespaceValue
    | Function
    | BoundMethod
    | ClassValue
    | Instance
    | Partial
    | Super
    | Generated
    | Container
)
Values: TypeAlias = tuple[Value, ...]

NOTHING: Values = ()


def functions_of(value: Value) -> tuple[Function, ...]:
    """The functions of the program that a call of `value` runs directly."""
    if isinstance(value, Function):
        return (value,)
    if isinstance(value, BoundMethod):
        return (value.function,)
    if isinstance(value, Partial):
        return functions_of(value.function)
    return ()
