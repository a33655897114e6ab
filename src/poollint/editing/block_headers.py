"""What is to be put into a `with` block, and the line that opens it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct

from poollint.editing.belonging import Needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit, Location

_SCHEMA = frozenset({"create_all", "drop_all"})
_ENDS = frozenset({"begin", "commit", "rollback", "close", "execution_options", "get_transaction", "invalidate"})


class Begins(str, Enum):
    """How a block gets a transaction that it commits."""

    NOT = ""
    CONNECT = "connect"
    FACTORY = "factory"
    SESSION = "session"


class Wrap(Struct, frozen=True):
    """What is to be wrapped. `call` makes the handle; `connection`: it is no session.

    `closing`: it is no context manager, so `contextlib.closing` makes one. `awaits`: entering it awaits what the call
    gives, so an `await` before the call goes away. `yields`: the function hands it out and ends it afterwards. `plain`:
    the places of calls on it, or with it, whose results hold no objects. `own_calls`: calls that give it to functions
    of the program. `begins`: something is written and nothing commits, so the block has to.
    """

    call: Location
    title: str
    connection: bool = False
    asynchronous: bool = False
    closing: bool = False
    awaits: bool = False
    yields: bool = False
    begins: Begins = Begins.NOT
    plain: frozenset[Location] = frozenset()
    own_calls: frozenset[Location] = frozenset()


class Unfit(Exception):
    """The code is not of a form that the editor wraps; the text is the reason of the refusal."""


def block_header(
    tree: FileTree, wrap: Wrap, value: cst.BaseExpression, call: cst.Call, name: str
) -> tuple[str, tuple[Edit, ...]]:
    """`with value as name:`, and the import that it needs. Raises `Unfit`."""
    word = "async with" if wrap.asynchronous else "with"
    text = tree.text(value)
    if wrap.begins is not Begins.NOT:
        return f"{word} {_begun(tree, wrap, value, call, name)}:", ()
    if not wrap.closing:
        return f"{word} {text} as {name}:", ()
    imported = tree.imports.name_for("contextlib", "closing", call)
    if imported is None:
        raise Unfit("closing is the name of something else here")
    return f"{word} {imported.name}({text}) as {name}:", imported.edits


def _begun(tree: FileTree, wrap: Wrap, value: cst.BaseExpression, call: cst.Call, name: str) -> str:
    """The items of a `with` that commits at its end."""
    if wrap.begins is Begins.SESSION and not wrap.closing:
        return f"{tree.text(value)} as {name}, {name}.begin()"
    if value is not call or call.args or wrap.closing:
        raise Unfit("what it writes is never committed, and begin() takes no arguments")
    if wrap.begins is Begins.FACTORY:
        return f"{tree.text(call.func)}.begin() as {name}"
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "connect":
        raise Unfit("what it writes is never committed")
    return f"{tree.text(call.func.value)}.begin() as {name}"


def commits(node: cst.CSTNode) -> bool:
    """`x.commit()`, or `x.begin()` of a block that does it."""
    func = node.func if isinstance(node, cst.Call) else None
    return isinstance(func, cst.Attribute) and func.attr.value in ("begin", "commit")


def changes_schema(node: cst.CSTNode, handle: Callable[[cst.BaseExpression], bool]) -> bool:
    """`metadata.create_all(connection)`: it writes, and from SQLAlchemy 2.0 on nothing commits it."""
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
        return False
    return node.func.attr.value in _SCHEMA and any(handle(argument.value) for argument in node.args)


def reason_against_leaving(name: str, leaving: Needs) -> str:
    """Why the handle cannot be closed behind a block that gives such a value away; "" where it can."""
    if leaving is Needs.ITSELF:
        return f"{name} itself leaves the block"
    if leaving is Needs.KEEPS:
        return f"something that may keep {name} leaves the block"
    return f"a result that still reads from {name} leaves the block" if leaving >= Needs.READING else ""


def ends_transactions(node: cst.CSTNode) -> bool:
    """`x.commit()` and the like: a second transaction, or the end of the one."""
    func = node.func if isinstance(node, cst.Call) else None
    return isinstance(func, cst.Attribute) and func.attr.value in _ENDS
