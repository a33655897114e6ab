"""Facts about one file: what its syntax says, without resolving a single name.

The records are a compact, serialisable digest of the `ast` tree: scopes (module, class, function, lambda), each with
its blocks (branches, loops, with, try), its operations in order, and one table of calls. Positions are those of
`ast`: lines from 1, columns from 0 in UTF-8 bytes. Everything that crosses files is derived from these records by
`poollint.program`; nothing here depends on another file, so a record is valid as long as the file's bytes are.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

VERSION = 5
"""Part of the cache key: raise it whenever the records or their meaning change."""


class Name(msgspec.Struct, array_like=True, tag=0, gc=False):
    """A bare name."""

    id: str


class Attr(msgspec.Struct, array_like=True, tag=1, gc=False):
    """`value.attr`."""

    value: Expr
    attr: str


class CallRef(msgspec.Struct, array_like=True, tag=2, gc=False):
    """The result of the call `ModuleFacts.calls[index]`."""

    index: int


class Const(msgspec.Struct, array_like=True, tag=3, gc=False):
    """A literal; long strings are cut to 300 characters, other types than these become None with kind "other"."""

    value: str | int | float | bool | None
    kind: str = ""


class Items(msgspec.Struct, array_like=True, tag=4, gc=False):
    """A tuple, list or set display."""

    kind: str
    items: list[Expr]


class Mapping(msgspec.Struct, array_like=True, tag=5, gc=False):
    """A dict display; the key None stands for `**value`."""

    keys: list[Expr | None]
    values: list[Expr]


class Subscript(msgspec.Struct, array_like=True, tag=6, gc=False):
    """`value[index]`."""

    value: Expr
    index: Expr


class Lambda(msgspec.Struct, array_like=True, tag=7, gc=False):
    """A lambda: `ModuleFacts.scopes[scope]`."""

    scope: int


class Bool(msgspec.Struct, array_like=True, tag=8, gc=False):
    """`a and b` / `a or b`; `op` is "and" or "or"."""

    op: str
    items: list[Expr]


class Derived(msgspec.Struct, array_like=True, tag=9, gc=False):
    """A value computed from others: arithmetic, f-string, slice, comprehension source. `kind` tells which."""

    kind: str
    items: list[Expr]


class Star(msgspec.Struct, array_like=True, tag=10, gc=False):
    """`*value` in a call or display."""

    value: Expr


class Await(msgspec.Struct, array_like=True, tag=11, gc=False):
    """`await value`."""

    value: Expr


class Not(msgspec.Struct, array_like=True, tag=12, gc=False):
    """`not value`."""

    value: Expr


class Compare(msgspec.Struct, array_like=True, tag=13, gc=False):
    """`left op right` (the first comparison of a chain); `op` as written: "is", "is not", "in", "==", ..."""

    left: Expr
    op: str
    right: Expr


class Conditional(msgspec.Struct, array_like=True, tag=14, gc=False):
    """`body if test else orelse`."""

    test: Expr
    body: Expr
    orelse: Expr


class Comprehension(msgspec.Struct, array_like=True, tag=15, gc=False):
    """A comprehension or generator expression; its element(s) lie in a block of kind "comprehension"."""

    kind: str
    elements: list[Expr]


class YieldValue(msgspec.Struct, array_like=True, tag=16, gc=False):
    """The value that is sent into a `yield` expression."""

    value: Expr | None


class Walrus(msgspec.Struct, array_like=True, tag=17, gc=False):
    """`(target := value)`."""

    target: str
    value: Expr


Expr: TypeAlias = (
    Name
    | Attr
    | CallRef
    | Const
    | Items
    | Mapping
    | Subscript
    | Lambda
    | Bool
    | Derived
    | Star
    | Await
    | Not
    | Compare
    | Conditional
    | Comprehension
    | YieldValue
    | Walrus
)


class Call(msgspec.Struct, array_like=True, gc=False):
    """One call. `outer` is the call in whose function or arguments it stands (-1: none), `role` "func", "arg" or "".

    `op` is the operation of the scope it belongs to (-1: a decorator, default, base or block test).
    """

    scope: int
    block: int
    func: Expr
    args: list[Expr]
    keywords: list[tuple[str | None, Expr]]
    line: int
    column: int
    end_line: int
    end_column: int
    outer: int = -1
    role: str = ""
    op: int = -1
    awaited: bool = False


class Block(msgspec.Struct, array_like=True, gc=False):
    """A region of a scope. Kinds: body, if, else, for, while, loop-else, try, except, try-else, finally, with, case,
    comprehension.

    `test`: the condition (if, else, while), the iterated value (for, comprehension), the caught type (except), the
    subject (case). `target`: the loop variable, or the pattern of a case that is None, True or False. `exit`: how its
    last statement leaves ("return", "raise", "break", "continue" or ""). `group` ties the blocks of one statement
    together: it is the index of the statement's first block. `first_op`: the operations of the scope that lie before
    it.
    """

    kind: str
    parent: int
    line: int
    end_line: int
    test: Expr | None = None
    target: Expr | None = None
    exit: str = ""
    group: int = -1
    first_op: int = 0
    is_async: bool = False


class Op(msgspec.Struct, array_like=True, gc=False):
    """One step of a scope. Kinds: bind, aug, for, with, eval, return, yield, delete, def, raise, assert, import.

    bind/aug/for/with: `target` gets `value` (with: the context manager; `target` may be None). def: `scope` is bound
    to its name. eval: an expression statement.
    """

    kind: str
    block: int
    line: int
    target: Expr | None = None
    value: Expr | None = None
    scope: int = -1
    annotation: Expr | None = None
    column: int = 0
    end_line: int = 0
    end_column: int = 0


class Import(msgspec.Struct, array_like=True, gc=False):
    """`name` is bound to `attribute` of `module`, or to the module itself; `attribute` "*" is a star import.

    `import a.b` binds "a" to module "a" and mentions "a.b" (`mentions`). `level` is that of a relative import.
    """

    name: str
    module: str
    attribute: str = ""
    level: int = 0
    line: int = 0
    block: int = 0
    mentions: str = ""


class Parameter(msgspec.Struct, array_like=True, gc=False):
    """`kind`: positional, keyword, vararg or kwarg."""

    name: str
    kind: str = "positional"
    default: Expr | None = None
    annotation: Expr | None = None


class Decorator(msgspec.Struct, array_like=True, gc=False):
    """One decorator with its place."""

    value: Expr
    line: int
    column: int
    end_line: int
    end_column: int


class Scope(msgspec.Struct, array_like=True, gc=False):
    """A module, class, function or lambda. `parent` is the index of the enclosing scope (-1 for the module)."""

    kind: str
    name: str
    qualname: str
    parent: int
    line: int
    column: int
    end_line: int
    first_line: int
    parent_block: int = 0
    is_async: bool = False
    is_generator: bool = False
    parameters: list[Parameter] = []
    decorators: list[Decorator] = []
    bases: list[Expr] = []
    keywords: list[tuple[str | None, Expr]] = []
    globals: list[str] = []
    nonlocals: list[str] = []
    returns: Expr | None = None
    blocks: list[Block] = []
    ops: list[Op] = []
    imports: list[Import] = []
    calls: list[int] = []
    children: list[int] = []


class ModuleFacts(msgspec.Struct, array_like=True, gc=False):
    """Everything poollint knows about one file. `scopes[0]` is the module itself."""

    scopes: list[Scope]
    calls: list[Call]
    exports: list[str] | None = None


class SyntaxProblem(msgspec.Struct, array_like=True, gc=False):
    """Why a file has no facts. `kind`: "syntax", "decoding" or "depth"."""

    kind: str
    message: str
    line: int = 1
    column: int = 0


encoder = msgspec.msgpack.Encoder()
decoder = msgspec.msgpack.Decoder(ModuleFacts)
